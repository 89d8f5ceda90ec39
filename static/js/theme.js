// Light, dark or as the system says. The cookie lets the server draw the next page right at once.

const A_YEAR = 365 * 24 * 3600;
const buttons = document.querySelectorAll("[data-theme-choice]");

for (const button of buttons) {
  button.addEventListener("click", () => choose(button.dataset.themeChoice));
}

function choose(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `theme=${theme}; path=/; max-age=${A_YEAR}; samesite=lax${secure}`;
  for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme));
}
