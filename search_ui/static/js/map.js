// Zoom and pan for maps that the server has drawn. Dots keep their size on the screen.

const PIXELS = 1000; // the width that the server's dot sizes are meant for

export function enhance(map) {
  const svg = map.querySelector("svg");
  const [left, top, width, height] = svg.dataset.view.split(" ").map(Number);
  let view = { x: left, y: top, w: width };
  const shape = height / width;

  function draw() {
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.w} ${view.w * shape}`);
    const shown = svg.clientWidth || PIXELS;
    const scale = (view.w / shown) * Math.min(1, Math.max(0.6, shown / PIXELS));
    for (const dot of svg.querySelectorAll(".dot")) {
      dot.setAttribute("transform", dot.getAttribute("transform").replace(/scale\(.*\)/, `scale(${scale.toFixed(3)})`));
    }
    map.classList.toggle("zoomed", view.w < width);
  }

  function look(x, y, w) {
    w = Math.min(Math.max(w, width / 16), width);
    view = {
      x: Math.min(Math.max(x - w / 2, left), left + width - w),
      y: Math.min(Math.max(y - (w * shape) / 2, top), top + height - w * shape),
      w,
    };
    draw();
  }

  const centre = () => [view.x + view.w / 2, view.y + (view.w * shape) / 2];
  const perPixel = () => view.w / svg.clientWidth;

  const tools = document.createElement("div");
  tools.className = "map-tools";
  for (const [sign, label, act] of [
    ["+", map.dataset.zoomIn, () => look(...centre(), view.w / 1.8)],
    ["−", map.dataset.zoomOut, () => look(...centre(), view.w * 1.8)],
    ["⤢", map.dataset.zoomAll, () => look(left + width / 2, top + height / 2, width)],
  ]) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: sign, title: label, onclick: act });
    button.setAttribute("aria-label", label);
    tools.append(button);
  }
  map.prepend(tools);
  map.dataset.live = "";

  // A drag moves the map; a click beside the dots is the same without dragging: it centres there and goes closer.
  let from = null;
  svg.addEventListener("pointerdown", (event) => {
    if (event.target.closest("a")) return;
    from = { x: event.clientX, y: event.clientY, centre: centre(), moved: false };
    if (event.pointerType === "mouse" || view.w < width) svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    from.moved ||= Math.hypot(dx, dy) > 4;
    if (from.moved) look(from.centre[0] - dx * perPixel(), from.centre[1] - dy * perPixel(), view.w);
  });
  svg.addEventListener("pointerup", (event) => {
    if (from && !from.moved) {
      const box = svg.getBoundingClientRect();
      look(view.x + (event.clientX - box.left) * perPixel(), view.y + (event.clientY - box.top) * perPixel(), view.w / 1.8);
    }
    from = null;
  });
  svg.addEventListener("pointercancel", () => (from = null));

  // The keyboard's focus must not be outside of what is seen.
  svg.addEventListener("focusin", (event) => {
    const [, x, y] = event.target.closest("a")?.getAttribute("transform").match(/translate\((\S+) (\S+)\)/) ?? [];
    if (x && (x < view.x || x > view.x + view.w || y < view.y || y > view.y + view.w * shape)) look(+x, +y, view.w);
  });
  new ResizeObserver(draw).observe(svg);
}
