// Completions while typing, after the ARIA combobox pattern: the list never takes the focus, and Enter without a
// chosen suggestion searches for what was typed.

const WAIT = 150; // milliseconds after the last key

export function combobox(input) {
  const list = document.createElement("ul");
  let timer, request, active = -1;

  list.id = `${input.id}-suggestions`;
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.dataset.suggestLabel);
  input.after(list);
  for (const [key, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) input.setAttribute(key, value);

  function close() {
    clearTimeout(timer);
    request?.abort();
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(index) {
    active = index;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", at === index));
    if (index < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", list.children[index].id);
  }

  function show(suggestions) {
    list.replaceChildren(...suggestions.map((suggestion, index) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${index}`;
      item.setAttribute("role", "option");
      item.dataset.url = suggestion.url;
      for (const text of [suggestion.label, suggestion.note]) item.append(Object.assign(document.createElement("span"), { textContent: text }));
      return item;
    }));
    mark(-1);
    list.hidden = suggestions.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
  }

  async function ask() {
    request?.abort();
    request = new AbortController();
    const asked = new URLSearchParams({ q: input.value, lang: root.lang });
    try {
      const response = await fetch(`/api/v1/suggest?${asked}`, { signal: request.signal });
      const found = response.ok ? await response.json() : [];
      show(found.suggestions ?? found);
    } catch {
      // Aborted, or no network: typing goes on without suggestions.
    }
  }

  const root = document.documentElement;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    if (input.value.trim().length < 2) close();
    else timer = setTimeout(ask, WAIT);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      location.href = list.children[active].dataset.url;
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    } else if (!list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const count = list.children.length + 1; // one more place: none is chosen
      mark(((active + 1 + (event.key === "ArrowDown" ? 1 : -1) + count) % count) - 1);
    }
  });
  input.addEventListener("blur", close);
  input.form.addEventListener("submit", close);
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the focus in the input
  list.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (item) location.href = item.dataset.url;
  });
}
