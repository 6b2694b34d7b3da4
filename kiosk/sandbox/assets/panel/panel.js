// @ts-check
// Keeps the panel at the present without a reload. Without this script everything works by hand.

const EVERY = 2000;

/** @returns {boolean} whether somebody is choosing something that a refresh would take away */
function busy() {
  const active = document.activeElement;
  return document.hidden || active instanceof HTMLSelectElement || active instanceof HTMLInputElement;
}

async function refresh() {
  const live = document.getElementById("live");
  if (live === null || busy()) return;
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!answer.ok || busy()) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
  if (fresh === null) return;
  const open = [...live.querySelectorAll("details[open]")].map((each) => each.id);
  const note = live.querySelector(".note");
  const focused = document.activeElement?.id;
  if (note !== null) fresh.prepend(note);
  live.replaceChildren(...fresh.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

setInterval(() => refresh().catch(() => undefined), EVERY);
