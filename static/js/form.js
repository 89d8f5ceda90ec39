// A form while it is filled in: what the server says is hidden or adds up, and uploads with their progress.

const body = document.body;

body.addEventListener("form-live", (event) => {
  const form = event.target.closest("form");
  if (!form) return;
  for (const slot of form.querySelectorAll("[data-slot]")) slot.hidden = event.detail.hidden.includes(slot.dataset.slot);
  for (const sum of form.querySelectorAll("[data-sum]")) sum.value = event.detail.sums[sum.dataset.sum] ?? sum.value;
});

const bar = (input) => input.closest(".upload").querySelector("progress");

body.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
  if (!elt.matches("[data-upload]")) return;
  for (const refused of elt.closest(".upload").querySelectorAll("[data-refused]")) refused.remove();
  bar(elt).value = 0;
  bar(elt).hidden = false;
});

body.addEventListener("htmx:xhr:progress", ({ detail, target }) => {
  if (target.matches?.("[data-upload]") && detail.lengthComputable) bar(target).value = (100 * detail.loaded) / detail.total;
});

body.addEventListener("htmx:afterRequest", ({ detail: { elt, successful } }) => {
  if (!elt.matches("[data-upload]")) return;
  bar(elt).hidden = true;
  if (!successful) return;
  elt.value = "";
  elt.form.dispatchEvent(new Event("input", { bubbles: true }));
});

// Who leaves before the second is over that a draft waits for has it kept all the same.
let unkept = null;

body.addEventListener("input", ({ target }) => {
  if (target.form?.id === "task-form") unkept = target.form;
});

body.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
  if (elt.id === "draft-state" || elt === unkept) unkept = null;
});

addEventListener("submit", () => (unkept = null));

addEventListener("pagehide", () => {
  const url = document.getElementById("draft-state")?.getAttribute("hx-post");
  if (!url || !unkept?.isConnected) return;
  const typed = new FormData(unkept);
  for (const [name, value] of [...typed]) if (value instanceof File) typed.delete(name);
  navigator.sendBeacon(url, typed);
});
