// Keeps "5 minutes ago" true while the page stands open; says it as app/web/when.py does.

const UNITS = [["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];
const EVERY = 30_000;
const { textNow, textSoon } = document.body.dataset;
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
// What counts is the server's clock; the reader's may be wrong by hours.
const ahead = Date.parse(document.querySelector("meta[name=now]")?.content) - Date.now() || 0;

function text(seconds) {
  const size = Math.abs(seconds);
  if (size < 60) return seconds <= 0 ? textNow : textSoon;
  const [unit, length] = UNITS.find(([, each]) => size >= each);
  return words.format(Math.sign(seconds) * Math.round(size / length), unit);
}

setInterval(() => {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[data-relative]")) {
    time.textContent = text((Date.parse(time.dateTime) - Date.now() - ahead) / 1000);
  }
}, EVERY);
