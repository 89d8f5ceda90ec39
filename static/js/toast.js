// Short messages: the server sends them as the event "toast" with {message, tone}.

const SHOWN_FOR = 6000;
const ICONS = { good: "circle-check", info: "info-circle", warn: "alert-triangle", bad: "alert-circle" };
const region = document.getElementById("toasts");
const template = document.getElementById("toast-template");

document.body.addEventListener("toast", ({ detail: { message, tone } }) => {
  const kind = tone in ICONS ? tone : "info";
  const toast = template.content.cloneNode(true).firstElementChild;
  toast.classList.add(`tone-${kind}`);
  toast.querySelector("p").textContent = message;
  const use = toast.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${ICONS[kind]}`));
  toast.querySelector("[data-toast-close]").addEventListener("click", () => toast.remove());
  region.append(toast);
  if (kind !== "bad") leave(toast);
});

// It stays while it is pointed at or holds the focus, and an error until it is closed.
function leave(toast) {
  setTimeout(() => (toast.matches(":hover, :focus-within") ? leave(toast) : toast.remove()), SHOWN_FOR);
}
