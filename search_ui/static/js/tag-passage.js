// Choose a passage of a text by keyboard alone: by sentences, its end by words. With the mouse: what is selected already.

const LABEL = ".bench-mark";

// The text of the sections without the labels in them, as pieces that know their place in the page
function readText(pane) {
  const pieces = [];
  let text = "";
  for (const section of pane.querySelectorAll("[data-section]")) {
    const walker = document.createTreeWalker(section, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      if (walker.currentNode.parentElement.closest(LABEL)) continue;
      pieces.push({ node: walker.currentNode, start: text.length });
      text += walker.currentNode.data;
    }
    text += "\n\n";
  }
  return { text, pieces };
}

function placeOf(pieces, at, isEnd) {
  const found = pieces.findLast((each) => (isEnd ? each.start < at : each.start <= at)) ?? pieces[0];
  return [found.node, Math.min(at - found.start, found.node.data.length)];
}

function split(text, granularity) {
  const found = [];
  // A sentence never runs from one section into the next.
  for (const block of text.matchAll(/[^\n]+/g)) {
    for (const { segment, index, isWordLike } of new Intl.Segmenter(document.getElementById("bench-text").lang, { granularity }).segment(block[0])) {
      const inner = segment.trim();
      if (!inner || isWordLike === false) continue;
      const start = block.index + index + segment.indexOf(inner);
      found.push([start, start + inner.length]);
    }
  }
  return found;
}

// What the mouse has selected in the text, if anything
function selected(pane) {
  const selection = getSelection();
  if (selection.isCollapsed || !selection.rangeCount || !pane.contains(selection.anchorNode) || !pane.contains(selection.focusNode)) return "";
  const copy = selection.getRangeAt(0).cloneContents();
  for (const label of copy.querySelectorAll(LABEL)) label.remove();
  return copy.textContent.trim();
}

export function startChoosing(pane, { say, over, taken, left }) {
  const already = selected(pane);
  if (already) {
    getSelection().removeAllRanges();
    over();
    taken(already);
    return;
  }
  const { text, pieces } = readText(pane);
  const sentences = split(text, "sentence");
  const ends = split(text, "word").map(([, end]) => end);
  if (!sentences.length) {
    over();
    left();
    return;
  }
  let first = 0, last = 0, end = sentences[0][1];

  function show(isFirst = false) {
    const start = sentences[first][0];
    getSelection().setBaseAndExtent(...placeOf(pieces, start, false), ...placeOf(pieces, end, true));
    const box = getSelection().getRangeAt(0).getBoundingClientRect();
    const frame = pane.getBoundingClientRect();
    if (pane.scrollHeight > pane.clientHeight) pane.scrollTop += box.top - frame.top - pane.clientHeight / 3;
    else pane.ownerDocument.defaultView.scrollBy(0, Math.min(0, box.top - 120) || Math.max(0, box.bottom - innerHeight + 40));
    say(text.slice(start, end), isFirst);
  }

  function move(by, isMore) {
    const to = Math.min(Math.max((isMore || by > 0 ? last : first) + by, isMore ? first : 0), sentences.length - 1);
    last = to;
    if (!isMore) first = to;
    end = sentences[last][1];
  }

  function stretch(by) {
    const start = sentences[first][0];
    // A step back takes a word away, not only the full stop after it.
    const isLess = (each) => each < end && each > start && /[\p{L}\p{N}]/u.test(text.slice(each, end));
    const fitting = by > 0 ? ends.find((each) => each > end) : ends.findLast(isLess);
    if (fitting) end = fitting;
    last = Math.max(sentences.findLastIndex(([begin]) => begin < end), first);
  }

  function stop() {
    pane.removeEventListener("keydown", onKey);
    pane.removeEventListener("blur", onBlur);
    pane.classList.remove("is-selecting");
    over();
    getSelection().removeAllRanges();
  }

  function onKey(event) {
    const keys = { ArrowDown: () => move(1, event.shiftKey), ArrowUp: () => move(-1, event.shiftKey), ArrowRight: () => stretch(1), ArrowLeft: () => stretch(-1) };
    if (event.key === "Tab") return;
    event.preventDefault(); // also keeps the page's own keys away while a passage is chosen
    if (keys[event.key]) {
      keys[event.key]();
      show();
    } else if (event.key === "Enter") {
      const passage = text.slice(sentences[first][0], end);
      stop();
      taken(passage);
    } else if (event.key === "Escape") {
      stop();
      left();
    }
  }

  const onBlur = () => stop();

  pane.focus({ preventScroll: true });
  pane.classList.add("is-selecting");
  pane.addEventListener("keydown", onKey);
  pane.addEventListener("blur", onBlur);
  show(true);
}
