// How much waits, wherever the page says it: beside To do and before its title, as the badge renews itself.

const body = document.body;

function tell() {
  const count = document.getElementById("inbox-badge")?.dataset.count ?? "0";
  const tab = document.querySelector('.tab[data-tab="todo"] .count');
  if (tab) tab.textContent = count;
  const title = document.title.replace(/^\(\d+\+?\) /, "");
  document.title = count === "0" ? title : `(${count}) ${title}`;
}

body.addEventListener("htmx:afterSettle", tell);
tell();

// Nobody asked while the page was hidden: what is seen then is true at once.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) body.dispatchEvent(new CustomEvent("inbox-moved"));
});
