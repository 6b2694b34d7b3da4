// @ts-check
/**
 * The kiosk's clock in the browser: ages of figures, running steps and lengths, written anew each second.
 * Server time counts, not the phone's, because a phone's clock may be wrong.
 */

const root = document.documentElement;
const rate = Number(root.dataset.rate) || 1;
const NB = '\u00a0';

let base = Date.parse(root.dataset.now ?? '') || Date.now();
let mark = moment();

/** A moment for `passed`, on both of the phone's clocks. */
export function moment() {
  return { wall: Date.now(), run: performance.now() };
}

/**
 * Real milliseconds since a moment. While a phone sleeps one clock may stand still, and the other one may be set: the
 * larger difference counts, because too old is the safe mistake.
 * @param {{wall: number, run: number}} from
 */
export function passed(from) {
  return Math.max(Date.now() - from.wall, performance.now() - from.run);
}

/** The kiosk's time in milliseconds. */
export function now() {
  return base + passed(mark) * rate;
}

/** The clock's seconds in one real second. */
export function speed() {
  return rate;
}

/**
 * The server said what time it is.
 * @param {string} iso
 */
export function sync(iso) {
  const time = Date.parse(iso);
  if (Number.isNaN(time)) return;
  base = time;
  mark = moment();
}

/**
 * Seconds since a moment, never below zero.
 * @param {string | undefined} iso
 */
export function since(iso) {
  const time = Date.parse(iso ?? '');
  return Number.isNaN(time) ? 0 : Math.max(0, Math.floor((now() - time) / 1000));
}

/**
 * As the server writes it: `1 h 17 min`, `2 min 40 s`, `40 s`.
 * @param {number} seconds
 */
export function span(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const pairs = hours ? [[hours, 'h'], [minutes, 'min']] : [[minutes, 'min'], [seconds % 60, 's']];
  return pairs.filter(([count]) => count).map(([count, unit]) => `${count}${NB}${unit}`).join(' ') || `0${NB}s`;
}

/**
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {HTMLElement} element */
function age(element) {
  const seconds = since(element.dataset.age);
  const old = seconds > Number(element.dataset.edge);
  const words = (old ? element.dataset.old : element.dataset.fresh) ?? '';
  element.classList.toggle('old', old);
  const shown = old && 'whole' in element.dataset ? seconds - (seconds % 60) : seconds;
  write(element, words.replace('{age}', span(shown)).replace('{time}', element.dataset.time ?? ''));
  if ('live' in element.dataset) element.closest('section')?.querySelector('.meter')?.classList.toggle('old', old);
}

/** Everything on the page that counts. */
export function tick() {
  for (const element of document.querySelectorAll('[data-age]')) {
    if (element instanceof HTMLElement) age(element);
  }
  for (const element of document.querySelectorAll('[data-run]')) {
    if (!(element instanceof HTMLElement)) continue;
    const seconds = since(element.dataset.run);
    write(element, `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`);
  }
  for (const element of document.querySelectorAll('[data-span]')) {
    if (element instanceof HTMLElement) write(element, span(since(element.dataset.span)));
  }
}

tick();
document.addEventListener('visibilitychange', tick);
setInterval(tick, Math.max(250, 1000 / rate));
