// Trying a text: shows how far the reading is, and can stop it. Without it the page simply takes that long.

const form = document.getElementById("try-form");
const progress = document.getElementById("try-progress");
const bar = document.getElementById("try-bar");
const told = document.getElementById("try-said");
const stop = document.getElementById("try-stop");
const problems = document.getElementById("try-problems");
const result = document.getElementById("try-result");
let running = null;

/** The lines of JSON of an answer, as they come in. */
async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const parts = (rest + (value ?? "")).split("\n");
    rest = parts.pop();
    for (const part of parts) if (part) yield JSON.parse(part);
    if (done) return;
  }
}

function begin() {
  problems.replaceChildren();
  result.replaceChildren();
  bar.removeAttribute("value");
  told.textContent = form.dataset.reading;
  progress.hidden = stop.hidden = bar.hidden = false;
}

/** Takes the bar away; a word stays where there is one. */
function end(word) {
  told.textContent = word;
  bar.hidden = stop.hidden = true;
  progress.hidden = !word;
}

function show(line) {
  if ("total" in line) {
    bar.max = line.total;
    bar.value = line.done;
  } else if ("failed" in line) {
    end("");
    problems.innerHTML = line.failed;
    problems.querySelector(".problems")?.focus();
  } else {
    end("");
    result.innerHTML = line.html;
    form.elements.text.value = line.text;
    form.elements.file.value = "";
    if (form.elements.url) form.elements.url.value = "";
    document.getElementById("result-title").focus();
  }
}

async function send() {
  running = new AbortController();
  const body = new FormData(form);
  begin();
  let last = null;
  try {
    const answer = await fetch(form.dataset.stream, { method: "POST", body, signal: running.signal });
    for await (const line of lines(answer)) show((last = line));
    if (!last || "total" in last) throw new Error("the answer is not whole");
  } catch (error) {
    end(error.name === "AbortError" ? form.dataset.stopped : form.dataset.failed);
  } finally {
    running = null;
  }
}

if (form && window.TextDecoderStream) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!running) send();
  });
  stop.addEventListener("click", () => {
    running?.abort();
    form.querySelector("button").focus();
  });
}
