// Rows that are selected: how many, all of them, and still so after the list was renewed.

const picked = new Set();
const boxes = () => [...document.querySelectorAll("[data-pick]")];

function tell() {
  const count = document.querySelector("[data-picked]");
  if (count) count.textContent = count.dataset.text.replace("{number}", picked.size);
}

function take(box) {
  if (box.checked) picked.add(box.value);
  else picked.delete(box.value);
}

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-pick]")) return;
  take(event.target);
  tell();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-pick-all]")) return;
  const all = boxes();
  const on = all.some((box) => !box.checked);
  for (const box of all) {
    box.checked = on;
    take(box);
  }
  tell();
});

// Whoever is naming a view is not disturbed; the list is renewed with the next change.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const renewal = event.detail.requestConfig.triggeringEvent?.type === "inbox-changed";
  if (renewal && document.activeElement.closest(".views form")) event.preventDefault();
});

// What is no more in the list is no more selected: nobody decides what they do not see.
document.body.addEventListener("htmx:afterSwap", restore);
restore();

function restore() {
  const all = boxes();
  for (const box of all) box.checked ||= picked.has(box.value);
  picked.clear();
  all.forEach(take);
  tell();
}
