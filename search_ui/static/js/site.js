// The choice between light and dark colours. Without it the device's own setting holds. The server reads the
// cookie, so that a page never flashes in the other colours first.

const button = document.querySelector("[data-theme-switch]");
const device = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

const current = () => root.dataset.theme ?? (device.matches ? "dark" : "light");
const other = () => (current() === "dark" ? "light" : "dark");

function name() {
  button.querySelector("span").textContent = button.title = button.dataset[other()];
}

function choose(theme) {
  const asDevice = (theme === "dark") === device.matches;
  if (asDevice) delete root.dataset.theme;
  else root.dataset.theme = theme;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${theme}; Path=/; SameSite=Lax; Max-Age=${asDevice ? 0 : 31536000}${secure}`;
  name();
}

button.hidden = false;
button.addEventListener("click", () => choose(other()));
device.addEventListener("change", name);
name();
