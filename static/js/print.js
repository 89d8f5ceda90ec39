// Prints the page that a button of it asks for.

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
