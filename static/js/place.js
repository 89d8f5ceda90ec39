// A finding's place opens in the text area that it speaks of.

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-place]");
  const area = link && document.getElementById(link.dataset.source);
  if (!area) return;
  event.preventDefault();
  const [line, column] = link.dataset.place.split(":").map(Number);
  const lines = area.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  const end = start + (lines[line - 1]?.length ?? 0);
  area.focus();
  area.setSelectionRange(Math.min(start + column - 1, end), end);
  area.scrollTop = (line - 4) * parseFloat(getComputedStyle(area).lineHeight);
});
