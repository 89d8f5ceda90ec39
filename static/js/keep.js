// A lost session loses no typing: what stands in forms marked data-keep waits in this tab until
// the same person has signed in again and is back on the same page.

const STORE = "kept";
const user = document.querySelector("[data-user]")?.dataset.user;
const forms = () => [...document.querySelectorAll("form[data-keep]")];

document.body.addEventListener("htmx:beforeOnLoad", (event) => {
  if (!event.detail.xhr.getResponseHeader("HX-Redirect")?.includes("/sign-in") || !user) return;
  const typed = forms().map((form) => [form.id, entries(form)]);
  if (typed.length) sessionStorage.setItem(STORE, JSON.stringify({ user, path: location.pathname, typed }));
});

function entries(form) {
  return [...new FormData(form)].filter(([name, value]) => name !== "csrf_token" && typeof value === "string");
}

function restore() {
  const kept = JSON.parse(sessionStorage.getItem(STORE) ?? "null");
  if (!kept || !user) return;
  if (kept.user === user && kept.path !== location.pathname) return;
  sessionStorage.removeItem(STORE);
  if (kept.user !== user) return;
  for (const [id, typed] of kept.typed) fill(document.getElementById(id), typed);
}

function fill(form, typed) {
  if (!form) return;
  for (const [name, value] of typed) {
    const found = form.elements.namedItem(name);
    const controls = found instanceof RadioNodeList ? [...found] : found ? [found] : [];
    for (const control of controls) {
      if (control.type === "checkbox") control.checked = typed.some(([n, v]) => n === name && v === control.value);
      else if (control.type === "radio") control.checked = control.value === value;
      else if (control.type !== "hidden" && control.type !== "submit") control.value = value;
    }
  }
  const detail = { message: document.body.dataset.textKept, tone: "info" };
  document.body.dispatchEvent(new CustomEvent("toast", { detail }));
}

restore();
