// Single keys, for the pages of tagging. They can be switched off, and do nothing while somebody writes in a field.

const NAME = "single-keys";
// Without a place to remember it, they are on.
function remembered() {
  try {
    return localStorage.getItem(NAME);
  } catch {
    return null;
  }
}
export const keysAreOn = () => remembered() !== "off";

const WRITING = 'input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"]), textarea, select, [contenteditable]';

function showState() {
  document.documentElement.classList.toggle("keys-on", keysAreOn());
  for (const each of document.querySelectorAll("[data-keys-switch]")) each.checked = keysAreOn();
}

export function onKeys(keys, said = {}) {
  showState();
  for (const each of document.querySelectorAll("[data-keys-switch]")) {
    each.addEventListener("change", () => {
      try {
        localStorage.setItem(NAME, each.checked ? "on" : "off");
      } catch {
        return; // they stay on
      }
      showState();
      (each.checked ? said.on : said.off)?.();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !keysAreOn()) return;
    if (event.target.matches(WRITING) || document.querySelector("dialog[open]")) return;
    const isArrow = event.key.startsWith("Arrow");
    // Arrows keep their own meaning among radio buttons, on folded parts, and in a text that scrolls.
    if (isArrow && !(event.target === document.body || event.target.matches("[data-card], main"))) return;
    const act = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
