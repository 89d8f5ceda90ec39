// Native dialogs: opened by data-dialog, asked before what data-confirm marks, shown when swapped in.

const confirmation = document.getElementById("confirm");
const agreed = new WeakSet();
let waiting = null;

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    opener.closest("details.menu")?.removeAttribute("open");
    const dialog = document.getElementById(opener.dataset.dialog);
    if (!dialog.open) dialog.showModal();
  }
  event.target.closest("[data-close]")?.closest("dialog").close();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// In the capture phase, so that neither the form nor htmx has heard of the click yet.
document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest("[data-confirm]");
    if (!button || agreed.delete(button)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting = button;
    document.getElementById("confirm-title").textContent = button.dataset.confirm;
    document.getElementById("confirm-text").textContent = button.dataset.confirmText ?? "";
    document.getElementById("confirm-ok").textContent = button.dataset.confirmAction;
    confirmation.returnValue = "";
    confirmation.showModal();
  },
  { capture: true },
);

confirmation.addEventListener("close", () => {
  const button = waiting;
  waiting = null;
  if (!button || confirmation.returnValue !== "ok") return;
  agreed.add(button);
  button.click();
});

document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target.id === "dialogs") event.detail.target.querySelector("dialog")?.showModal();
});
