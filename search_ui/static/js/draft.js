// Writing with less effort: saves while one writes, looks for records and terms while one types, and points out what is
// here already. Every form works without this.

const WAIT = 1500; // milliseconds after the last key until it is saved
const LOOK = 300; // and until something is looked up
const form = document.querySelector("form[data-draft]");
const root = `/${document.documentElement.lang}/drafts`;
const later = (act, wait) => {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), wait);
  };
};

// Saving

function autosave() {
  const status = form.querySelector("[data-status]");
  let changed = false, running = false, stopped = false;

  const say = (text) => (status.textContent = text);
  const soon = later(save, WAIT);

  async function save() {
    if (running || stopped || !changed) return;
    [running, changed] = [true, false];
    say(form.dataset.saving);
    const data = new FormData(form);
    data.set("action", "");
    data.delete("upload");
    try {
      const response = await fetch(location.pathname, { method: "POST", body: data, headers: { Accept: "application/json" } });
      if (response.status === 409) {
        stopped = true;
        say(form.dataset.merge);
      } else if (!response.ok || response.redirected) throw new Error(response.status);
      else taken(await response.json());
    } catch {
      changed = true;
      say(form.dataset.unsaved);
    }
    running = false;
    if (changed) soon();
  }

  function taken(answer) {
    form.elements.version.value = answer.version;
    form.elements.base.value = answer.base;
    for (const [path, place] of Object.entries(answer.was)) {
      const was = form.elements[`${path}.was`];
      if (was) was.value = place;
    }
    say(answer.status);
    document.querySelector("[data-complete]").textContent = answer.complete;
    document.querySelector(".progress progress").value = answer.share;
  }

  form.addEventListener("input", (event) => {
    if (event.target.type === "file" || event.target.type === "search") return;
    changed = true;
    soon();
  });
  form.addEventListener("submit", () => (stopped = true));
  // What was typed before this script was there, or what the browser put back.
  changed = [...form.elements].some((each) => each.type !== "file" && "defaultValue" in each && each.value !== each.defaultValue);
  if (changed) soon();
  addEventListener("beforeunload", (event) => changed && !stopped && event.preventDefault());
}

// Records to link to

function record(field) {
  const input = field.querySelector('input[type="search"]');
  const box = field.querySelector(".record-options");
  const name = field.querySelector('.find button').value.replace("find:", "");
  const told = Object.assign(document.createElement("p"), { className: "small soft" });
  told.setAttribute("role", "status");
  field.append(told);

  function option({ id, label, note }) {
    const made = Object.assign(document.createElement("label"), { className: "option" });
    const radio = Object.assign(document.createElement("input"), { type: "radio", name, value: id });
    made.append(radio, " ", Object.assign(document.createElement("span"), { textContent: note ? `${label} (${note})` : label }));
    return made;
  }

  const look = later(async () => {
    const text = input.value.trim();
    if (text.length < 2) return;
    const asked = new URLSearchParams({ q: text, type: field.dataset.record });
    const response = await fetch(`${root}/find?${asked}`).catch(() => null);
    if (!response?.ok) return;
    const found = await response.json();
    const chosen = box.querySelector("input:checked")?.closest("label");
    const kept = chosen?.querySelector("input").value;
    box.replaceChildren(...(kept ? [chosen] : []), ...found.filter((one) => one.id !== kept).map(option));
    told.textContent = found.length ? "" : field.dataset.none;
  }, LOOK);
  input.addEventListener("input", look);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    look();
  });
}

// Terms of a long list

function terms(field) {
  const input = Object.assign(document.createElement("input"), { type: "search", autocomplete: "off" });
  input.setAttribute("aria-label", field.dataset.termsLabel);
  input.placeholder = field.dataset.termsLabel;
  field.querySelector("details").before(input);
  const groups = [...field.querySelectorAll("details")].map((group) => ({ group, open: group.open }));
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  input.addEventListener("input", () => {
    const wanted = plain(input.value.trim());
    for (const { group, open } of groups) {
      let any = false;
      for (const label of group.querySelectorAll("label")) {
        const fits = plain(label.textContent).includes(wanted);
        label.hidden = !fits;
        any ||= fits;
      }
      group.hidden = !any;
      group.open = wanted ? any : open;
    }
  });
}

// What is here already

function duplicates(place) {
  const [title, summary] = [form.elements.title, form.elements.summary];
  if (!title) return;
  const look = later(async () => {
    const asked = new URLSearchParams({ draft: form.dataset.draft, title: title.value, summary: summary?.value.slice(0, 1000) ?? "" });
    const response = await fetch(`${root}/similar?${asked}`).catch(() => null);
    if (!response?.ok) return;
    const found = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("duplicates");
    if (found && found.innerHTML !== place.innerHTML) place.replaceChildren(...found.children);
  }, WAIT);
  title.addEventListener("input", look);
  summary?.addEventListener("input", look);
}

if (form) {
  if ("autosave" in form.dataset) autosave();
  document.querySelectorAll("[data-record]").forEach(record);
  document.querySelectorAll("[data-terms]").forEach(terms);
  duplicates(document.getElementById("duplicates"));
}
