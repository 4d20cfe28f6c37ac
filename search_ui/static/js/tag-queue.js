// The tagging queue by keyboard: from case to case, open, choose, begin. Everything works without this.

import { onKeys } from "./tag-keys.js";

const titles = [...document.querySelectorAll(".queue-title a")];
const at = () => titles.findIndex((title) => title.closest("li").contains(document.activeElement));
const go = (to) => titles[Math.min(Math.max(to, 0), titles.length - 1)]?.focus();
const line = document.querySelector("[data-keys-line]");
if (line) line.hidden = false;

onKeys({
  j: () => go(at() + 1),
  k: () => go(at() < 0 ? 0 : at() - 1),
  x: () => titles[at()]?.closest("li").querySelector("input").click(),
  n: () => document.querySelector("[data-begin]")?.click(),
  "/": () => {
    const filters = document.querySelector(".tag-filters");
    filters.open = true;
    filters.querySelector("select").focus();
  },
});
