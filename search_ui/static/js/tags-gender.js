// The gender marker with less effort: one question at a time, answered by keys, with the result beside it as it changes, and
// passages taken from the text. The form works without this.

const form = document.querySelector("form[data-gender]");
const steps = [...form.querySelectorAll("[data-question]")];
const stepper = form.querySelector(".stepper");
const said = stepper.querySelector("[data-said]");
const switches = { all: stepper.querySelector("[data-all]"), keys: stepper.querySelector("[data-shortcuts]") };
const text = document.querySelector(".record-text");
const told = document.querySelector("[data-told]");
const sentences = [...text.querySelectorAll("[data-sentence]")];
const MEMORY = "gender-keys";
let current = 0;

// One question at a time

// Where something is wrong, all are shown: the summary leads to any of them.
let all = Boolean(form.querySelector(".problems"));

function show(focus = false) {
  steps.forEach((step, at) => (step.hidden = !all && at !== current));
  said.textContent = form.dataset.progress.replace("#n", current + 1).replace("#m", steps.length);
  stepper.querySelector("progress").value = current + 1;
  stepper.querySelector(".stepper-progress").hidden = all;
  for (const button of stepper.querySelectorAll("[data-go]")) {
    button.hidden = all;
    button.disabled = !steps[current + Number(button.dataset.go)];
  }
  switches.all.setAttribute("aria-pressed", all);
  for (const mark of text.querySelectorAll("mark")) mark.classList.toggle("of-question", mark.dataset.for.split(" ").includes(steps[current].dataset.question));
  if (focus) steps[current].focus();
}

function go(by) {
  if (!steps[current + by]) return;
  current += by;
  show(true);
}

stepper.addEventListener("click", ({ target }) => {
  if (target.dataset.go) go(Number(target.dataset.go));
  else if (target === switches.all) {
    all = !all;
    show();
  }
});
form.addEventListener("focusin", ({ target }) => {
  const at = steps.indexOf(target.closest("[data-question]"));
  if (at >= 0 && at !== current) {
    current = at;
    show();
  }
});

// Keys

const remembered = (() => {
  try {
    return localStorage.getItem(MEMORY);
  } catch {
    return null;
  }
})();
switches.keys.checked = remembered !== "off";
switches.keys.addEventListener("change", () => {
  try {
    localStorage.setItem(MEMORY, switches.keys.checked ? "on" : "off");
  } catch {
    // A browser that remembers nothing has them on.
  }
});

function answer(value) {
  const radio = steps[current].querySelector(`input[type="radio"][value="${value}"]`);
  radio.checked = true;
  radio.focus();
  radio.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (!switches.keys.checked || event.ctrlKey || event.altKey || event.metaKey) return;
  if (target.matches('textarea, select, input:not([type="radio"], [type="checkbox"])') || text.contains(target)) return;
  const letter = key.toLowerCase();
  const { yes, no } = form.dataset;
  const value = letter === "y" || letter === yes ? "yes" : letter === "n" || letter === no ? "no" : letter === "-" ? "unknown" : "";
  if (value) answer(value);
  else if (key === "ArrowRight" || key === "ArrowLeft") go(key === "ArrowRight" ? 1 : -1);
  else return;
  event.preventDefault();
});

// What follows from the answers

const result = document.getElementById("result");
let asked = 0;

async function explain() {
  const mine = ++asked;
  const data = new FormData(form);
  data.set("do", "result");
  const response = await fetch(location.pathname, { method: "POST", body: data }).catch(() => null);
  if (!response?.ok || response.redirected || mine !== asked) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (mine === asked) result.replaceChildren(...page.body.childNodes);
}

form.addEventListener("change", ({ target }) => {
  const step = target.closest("[data-question]");
  if (!step) return;
  step.removeAttribute("data-suggested");
  step.querySelector(".answers .badge")?.remove();
  if (target.type === "radio") explain();
});

// Passages from the text: what is selected there, or a sentence by keys

let wanted = null; // the box that the passage is for
let chosen = ""; // what was selected when the button was pressed

document.addEventListener("selectionchange", () => {
  const selection = getSelection();
  if (selection.rangeCount && !selection.isCollapsed) chosen = text.contains(selection.getRangeAt(0).commonAncestorContainer) ? selection.toString().trim() : "";
});

function take(passage) {
  wanted.value = passage.replace(/\s+/g, " ");
  wanted.dispatchEvent(new Event("change", { bubbles: true }));
  told.textContent = form.dataset.taken;
  back();
}

function back() {
  const step = wanted.closest("[data-question]");
  for (const sentence of sentences) sentence.removeAttribute("tabindex");
  getSelection().removeAllRanges();
  [wanted, chosen] = [null, ""];
  step.focus();
}

function pick(box) {
  wanted = box;
  if (chosen) return take(chosen);
  told.textContent = form.dataset.picking;
  for (const sentence of sentences) sentence.tabIndex = -1;
  const mark = text.querySelector("mark.of-question");
  (mark?.closest("[data-sentence]") ?? sentences[0])?.focus();
}

text.addEventListener("keydown", (event) => {
  const at = sentences.indexOf(event.target);
  if (!wanted || at < 0) return;
  if (event.key === "Enter") take(sentences[at].textContent);
  else if (event.key === "Escape") {
    told.textContent = "";
    back();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") sentences[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  else return;
  event.preventDefault();
});
text.addEventListener("click", ({ target }) => {
  const sentence = target.closest("[data-sentence]");
  if (wanted && sentence && getSelection().isCollapsed) take(sentence.textContent);
});

for (const step of steps) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button-quiet pick", textContent: form.dataset.pick });
  button.addEventListener("click", () => pick(step.querySelector("textarea")));
  step.append(button);
}

form.querySelector("[data-show]").hidden = true;
stepper.hidden = false;
show();
