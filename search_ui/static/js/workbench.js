// The workbench by keyboard alone, and in place: each decision is sent as the page's own form would send it, and what the
// answer shows anew is put into the page. Everything works without this.

import { keysAreOn, onKeys } from "./tag-keys.js";
import { startChoosing } from "./tag-passage.js";

const bench = document.querySelector("[data-bench]");
const live = document.getElementById("bench-live");
const dialog = document.getElementById("bench-dialog");
const words = bench.dataset;

// Saying what happened. The same words said again are said.
function tell(...texts) {
  live.replaceChildren(...texts.filter(Boolean).map((text) => Object.assign(document.createElement("p"), { textContent: text })));
}
function alarm(text) {
  tell(text);
  live.firstChild?.classList.add("late");
}

// The card that is at hand: the one with the focus in it, else the last one that had it
let latest = null;
const cards = () => [...bench.querySelectorAll("[data-card]")].filter((card) => card.checkVisibility());
const card = () => document.activeElement?.closest("[data-card]") ?? (latest && document.getElementById(latest));

function go(to) {
  if (!to) return;
  to.focus({ preventScroll: true });
  to.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = cards();
  const at = all.indexOf(card());
  go(at < 0 ? all[by > 0 ? 0 : all.length - 1] : all[Math.min(Math.max(at + by, 0), all.length - 1)]);
}

function light(id) {
  for (const mark of bench.querySelectorAll("mark[data-cards]")) {
    mark.classList.toggle("is-current", Boolean(id) && mark.dataset.cards.split(" ").includes(id));
  }
}

function show(id) {
  light(id);
  const mark = bench.querySelector("mark.is-current");
  const pane = document.getElementById("bench-text");
  if (!mark || pane.scrollHeight <= pane.clientHeight) return; // on a small screen the text stays where the reader left it
  pane.scrollTop += mark.getBoundingClientRect().top - pane.getBoundingClientRect().top - pane.clientHeight / 3;
}

bench.addEventListener("focusin", (event) => {
  const found = event.target.closest("[data-card]");
  if (!found) return;
  latest = found.id;
  show(found.id);
});
bench.addEventListener("mouseover", (event) => {
  const found = event.target.closest("[data-card]");
  light(found?.id ?? latest);
});

// A card as the server sent it: one that it sends again unchanged is left alone, with what was typed in it
const served = new WeakMap();
const asServed = (each) => each.outerHTML.replaceAll(/name="known" value="\d+"/g, ""); // which is new after each decision
for (const each of bench.querySelectorAll("[data-card]")) served.set(each, asServed(each));

const isTouched = (field) =>
  field.type === "hidden" ? false
  : field.type === "radio" || field.type === "checkbox" ? field.checked !== field.defaultChecked
  : field.tagName === "SELECT" ? [...field.options].some((option) => option.selected !== option.defaultSelected) && field.value !== [...field.options].find((option) => option.defaultSelected)?.value
  : field.value !== field.defaultValue;

function keepTyped(from, to) {
  for (const field of from.querySelectorAll("input, select, textarea")) {
    if (!isTouched(field)) continue;
    const same = [...to.querySelectorAll(`[name="${field.name}"]`)].find((each) => each.type === field.type && (field.type !== "radio" || each.value === field.value));
    if (!same) continue;
    if (field.type === "radio" || field.type === "checkbox") same.checked = field.checked;
    else same.value = field.value;
  }
}

// Put in what the answer shows anew. `sent` is the card that was decided on: what was typed there was taken, or is in the answer.
function renew(answer, sent) {
  const fresh = answer.getElementById("bench-tags");
  const now = document.getElementById("bench-tags");
  const open = [...bench.querySelectorAll("details[open][id]")].map((each) => each.id);
  for (const each of fresh.querySelectorAll("[data-card]")) {
    const html = asServed(each);
    const old = document.getElementById(each.id);
    if (old && served.get(old) === html) {
      each.replaceWith(old);
    } else {
      served.set(each, html);
      if (old && each.id !== sent) keepTyped(old, each);
    }
  }
  now.replaceWith(fresh);
  for (const id of ["bench-head", "bench-problems", "bench-history"]) {
    document.getElementById(id).replaceWith(answer.getElementById(id));
  }
  const pane = document.getElementById("bench-text");
  const top = pane.scrollTop;
  pane.replaceChildren(...answer.getElementById("bench-text").childNodes);
  pane.scrollTop = top;
  if (sent === "add") document.getElementById("add").replaceWith(answer.getElementById("add"));
  const newest = answer.querySelector('[name="known"]')?.value;
  for (const field of newest ? document.querySelectorAll('[name="known"]') : []) field.value = newest;
  for (const id of open) {
    const details = document.getElementById(id);
    if (details && id !== `${sent}-more` && id !== "add") details.open = true;
  }
}

let isBusy = false;

async function send(form, button, meanwhile = words.working) {
  if (isBusy) return;
  isBusy = true;
  const sent = form.querySelector('[name="card"]')?.value ?? form.closest("[data-card]")?.id ?? "";
  const data = new FormData(form);
  if (button?.name) data.set(button.name, button.value);
  tell(meanwhile);
  try {
    const response = await fetch(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(data) });
    const answer = new DOMParser().parseFromString(await response.text(), "text/html");
    if (answer.getElementById("workbench")) taken(answer, response, sent, form);
    else alarm(response.status === 401 ? words.signedOut : words.failed);
  } catch {
    alarm(words.lost);
  }
  isBusy = false;
}

function taken(answer, response, sent, form) {
  const said = [...answer.querySelectorAll("#bench-live p, main .done")].map((each) => each.textContent);
  const wrong = [...answer.querySelectorAll('.bench-card .problem[role="alert"] p, #bench-problems li, #add .problem')].map((each) => each.textContent);
  const isUndo = form.hasAttribute("data-undo");
  renew(answer, sent);
  const here = sent && document.getElementById(sent);
  if (!response.ok) {
    alarm(wrong.join(" ") || words.failed);
    if (here) go(here);
    return;
  }
  const next = isUndo ? here : following(sent); // nothing was sent but a question where there is no card: the first that waits
  const left = Number(document.querySelector("[data-waiting]").dataset.waiting);
  tell(...said, left ? "" : words.allDone);
  go(next ?? here ?? cards()[0]);
}

// After a decision: the next card that waits, going on from this one; else this one itself
function following(sent) {
  const all = cards();
  const at = all.findIndex((each) => each.id === sent);
  const waits = (each) => each.dataset.state === "waiting";
  return all.slice(at + 1).find(waits) ?? all.find(waits) ?? all[at];
}

// The model reads for some seconds, and says how far it is

async function ask(form) {
  const bar = Object.assign(document.createElement("progress"), { max: 1 });
  bar.setAttribute("aria-label", words.reading);
  form.append(bar);
  const look = setInterval(async () => {
    const { done, total } = await fetch(form.dataset.ask).then((answer) => answer.json()).catch(() => ({}));
    if (total) bar.value = done / total;
  }, 400);
  await send(form, null, words.reading);
  clearInterval(look);
  bar.remove();
}

bench.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-ask]")) {
    event.preventDefault();
    ask(form);
  }
  if (!form.matches("[data-decide], [data-undo]")) return;
  event.preventDefault();
  send(form, event.submitter);
});

// What the keys do

function press(selector) {
  const button = card()?.querySelector(selector);
  if (button) send(button.form, button);
}

function choose(number) {
  const radios = [...(card()?.querySelectorAll('[data-targets] [name="to"]') ?? [])];
  const chosen = number ? radios[number - 1] : radios.at(-1);
  // The last one is the goal itself, and has its own key.
  if (!chosen || (number && chosen === radios.at(-1))) return;
  chosen.checked = true;
  stands("change");
  if (card().dataset.state !== "accepted") tell(chosen.closest("label").textContent.trim());
}

// On a tag that stands, a choice by key is a change at once; on a suggestion it waits until that is accepted
function stands(action) {
  const button = card()?.querySelector(`[data-do="${action}"]`);
  if (button && card().dataset.state === "accepted") send(button.form, button);
}

function main() {
  const box = card()?.querySelector("[data-primary]");
  if (!box) return;
  box.checked = !box.checked;
  if (card().dataset.state === "accepted") stands("change");
  else box.focus();
}

function undo() {
  const form = document.querySelector("#bench-history [data-undo]");
  if (!form) return tell(words.nothing);
  const id = form.querySelector('[name="decision"]').value;
  const own = [...bench.querySelectorAll("[data-card] [data-undo]")].find((each) => each.querySelector('[name="decision"]').value === id);
  send(own ?? form, null);
}

function help() {
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

const filter = document.getElementById("bench-filter");

function openAdd(passage) {
  const add = document.getElementById("add");
  add.open = true;
  add.querySelector('[name="passage"]').value = passage;
  add.querySelector('[name="tag"]').focus();
  tell(words.taken);
}

function choosePassage(take) {
  const back = document.activeElement;
  const hint = document.getElementById("bench-choosing");
  hint.hidden = false;
  startChoosing(document.getElementById("bench-text"), {
    say: (text, isFirst) => tell(isFirst ? hint.textContent : "", text),
    over: () => (hint.hidden = true),
    taken: take,
    left: () => {
      tell(words.left);
      back?.focus();
    },
  });
}

function otherPassage() {
  const at = card();
  if (!at) return;
  choosePassage((passage) => {
    at.querySelector(".bench-more").open = true;
    at.querySelector('[name="passage"]').value = passage;
    go(at);
    tell(words.taken);
  });
}

onKeys({
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  a: () => press('[data-do="accept"]'), r: () => press('[data-do="reject"]'),
  t: () => card()?.querySelector('[data-targets] [name="to"]:checked')?.focus(),
  1: () => choose(1), 2: () => choose(2), 3: () => choose(3), 0: () => choose(0),
  p: main, u: undo, n: () => document.querySelector("[data-next]").click(),
  s: () => choosePassage(openAdd), e: otherPassage,
  "/": () => filter.focus(), "?": help,
}, { on: () => tell(words.keysOn), off: () => tell(words.keysOff) });

// Finding a goal or theme among those that are folded away

filter.closest("[data-filter]").hidden = false;
filter.addEventListener("input", () => {
  const asked = filter.value.trim().toLowerCase();
  const others = document.getElementById("bench-others");
  if (others && asked) others.open = true;
  for (const each of bench.querySelectorAll("[data-card]")) {
    each.closest("li").hidden = asked !== "" && !each.textContent.toLowerCase().includes(asked);
  }
});
filter.addEventListener("keydown", (event) => {
  if (event.key === "Escape") filter.value = "", filter.dispatchEvent(new Event("input"));
  if (event.key === "Enter" || event.key === "Escape") {
    event.preventDefault();
    go(cards()[0]);
  }
});

const button = document.querySelector("[data-help]");
button.hidden = false;
button.addEventListener("click", help);

// Begin where something is to be decided, unless the address leads elsewhere
if (keysAreOn() && !location.hash) go(cards().find((each) => each.dataset.state === "waiting") ?? cards()[0]);
