// What htmx sends and how its answers are taken: the token, polling, focus, failures.

const body = document.body;
const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

const say = (message, tone = "good") =>
  body.dispatchEvent(new CustomEvent("toast", { detail: { message, tone }, bubbles: true }));

body.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = meta("csrf-token");
});

// A form that is on its way is not sent again: a tap too many decides, starts and says nothing twice.
const LONGEST = 10_000;
let sent = new WeakMap();
document.addEventListener(
  "submit",
  (event) => {
    if (event.target.method !== "post") return;
    const underWay = performance.now() - (sent.get(event.target) ?? -LONGEST) < LONGEST;
    if (!underWay) return void sent.set(event.target, performance.now());
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  { capture: true },
);
body.addEventListener("htmx:afterRequest", (event) => sent.delete(event.detail.elt));
addEventListener("pageshow", () => (sent = new WeakMap()));

// A page that nobody looks at does not ask for news.
body.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.matches("[data-poll]")) event.preventDefault();
});

// A reader of the screen is told of errors first; else the swapped-in part says where to go on.
body.addEventListener("htmx:afterSettle", (event) => {
  const part = event.detail.target.isConnected ? event.detail.target : document;
  const next = document.querySelector("[data-error-summary]:not([data-seen])") ?? part.querySelector("[data-focus]");
  if (!next || event.detail.elt.matches("[data-poll]")) return;
  next.dataset.seen = "";
  next.focus();
});

body.addEventListener("htmx:sendError", (event) => {
  if (!event.detail.elt.matches("[data-poll]")) say(body.dataset.textOffline, "bad");
});

body.addEventListener("htmx:responseError", (event) => {
  const { xhr, elt } = event.detail;
  if (elt.matches("[data-poll]") || xhr.getResponseHeader("HX-Trigger")) return;
  say(body.dataset.textFailed.replace("{status}", xhr.status), "bad");
});

// Someone was faster (409): the answer says who, and has what was typed; it is put in place all the same.
body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.xhr.status !== 409 || !detail.xhr.getResponseHeader("HX-Retarget")) return;
  detail.shouldSwap = true;
  detail.isError = false;
});

// Without htmx the page comes back whole; its summary of errors gets the focus all the same.
const summary = document.querySelector("[data-error-summary]");
if (summary) {
  summary.dataset.seen = "";
  summary.focus();
}
