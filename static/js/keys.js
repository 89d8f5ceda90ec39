// The keyboard: see templates/keyboard.html for what does what. Nothing is decided by a bare letter.

const STORE = "single-keys";
const AFTER_G = 1000;
const toggle = document.getElementById("keys-on");
let afterG = -Infinity;

if (toggle) {
  toggle.checked = localStorage.getItem(STORE) !== "off";
  toggle.addEventListener("change", () => localStorage.setItem(STORE, toggle.checked ? "on" : "off"));
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented || event.altKey) return;
  if (event.ctrlKey || event.metaKey) {
    if (event.key === "Enter") submit(event);
    return;
  }
  if (!toggle?.checked || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
  const act = performance.now() - afterG < AFTER_G ? go : press;
  afterG = -Infinity;
  if (act(event.key, event)) event.preventDefault();
});

function press(key, event) {
  if (key === "/") return focus(document.querySelector("[data-search]"));
  if (key === "?") return document.getElementById("keys").showModal() ?? true;
  if (key === "j") return move(1);
  if (key === "k") return move(-1);
  if (key === "c" && !event.repeat) return claim();
  if (key === "x" && !event.repeat) return pick();
  if (key === "g") afterG = performance.now();
  return false;
}

function go(key) {
  const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
  link?.click();
  return Boolean(link);
}

function move(step) {
  const links = [...document.querySelectorAll("[data-row] .row-link, tr .row-link")];
  const at = links.findIndex((link) => link === document.activeElement || link.closest("[data-row], tr").contains(document.activeElement));
  return focus(links[at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step]);
}

// In a list only the row that has the focus; on a task's page there is only one.
function claim() {
  const row = document.activeElement.closest("[data-row]");
  const buttons = (row ?? document).querySelectorAll("[data-claim]");
  if (buttons.length === 1) buttons[0].click();
  return buttons.length === 1;
}

// Only the row that has the focus; deciding about what is selected is done with buttons.
function pick() {
  const box = document.activeElement.closest("[data-row]")?.querySelector("[data-pick]");
  box?.click();
  return Boolean(box);
}

// With several ways to decide, it leads to them; which one is meant only a person knows.
// A button with an address of its own (Release) is none of them.
function submit(event) {
  const form = event.target.closest("form");
  const decides = (element) => element.matches("[type=submit]:not([disabled], [hidden], [formaction])");
  const buttons = [...(form?.elements ?? [])].filter(decides);
  if (buttons.length === 1) buttons[0].click();
  else focus(buttons[0]);
  if (buttons.length) event.preventDefault();
}

function focus(element) {
  element?.focus();
  element?.scrollIntoView({ block: "nearest" });
  return Boolean(element);
}
