// Searching without loading the whole page again. The form and all links work without this.

import { enhance } from "./map.js";
import { combobox } from "./suggest.js";

const form = document.getElementById("search-form");
const answer = () => document.getElementById("answer");
/** What depends on the question: the answer, and the language links, which carry it along. */
const SWAPPED = ["#answer", ".languages"];
let shown = location.search;

document.querySelectorAll("[data-suggest]").forEach(combobox);
document.querySelectorAll("[data-map]").forEach(enhance);

async function show(url, push) {
  answer().setAttribute("aria-busy", "true");
  try {
    const response = await fetch(url, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!page.getElementById("answer")) throw new Error("not a page of results");
    swap(page);
    if (push) history.pushState(null, "", url);
    shown = location.search;
    form.elements.q.value = new URL(url).searchParams.get("q") ?? "";
    tell();
  } catch {
    location.href = url;
  }
}

function swap(page) {
  const open = [...answer().querySelectorAll("details[id][open]")].map((details) => details.id);
  for (const selector of SWAPPED) document.querySelector(selector).replaceWith(page.querySelector(selector));
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  answer().querySelectorAll("[data-map]").forEach(enhance);
  document.title = page.title;
}

/** Says how many results there are, and puts the focus where they begin. */
function tell() {
  const heading = document.getElementById("results-title");
  document.getElementById("search-status").textContent = heading.textContent;
  heading.focus({ preventScroll: true });
  if (heading.getBoundingClientRect().top < 0) heading.scrollIntoView();
}

function asked() {
  const said = [...new FormData(form)].filter(([name, value]) => value && !(name === "mode" && value === "hybrid"));
  const query = new URLSearchParams(said).toString();
  return form.action + (query && `?${query}`);
}

if (form && answer()) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(asked(), true);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("#answer a[href]");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || link.getAttribute("href").startsWith("#") || link.pathname !== location.pathname) return;
    event.preventDefault();
    show(link.href, true);
  });
  addEventListener("popstate", () => {
    if (location.search !== shown) show(location.href, false); // not for a jump within the page
  });
}
