// @ts-check
/**
 * Every page of a tablet: keeps the driver inside and the screen awake, asks whether somebody is still there, forgets
 * everything between two drivers, and says when there is no connection.
 */
import { moment, now, passed } from '../shared/ages.js';
import { begin, extended, look, touched } from './idle.js';
import { keepAsking, within } from './link.js';

const RESET = '/tablet/reset';
const OLD = 6 * 3600 * 1000;
const SHIFT = 60000;
const REST = 10000;
const SHIFTS = [[0, 0], [-2, 0], [-2, -2], [0, -3], [-3, -1], [-1, -2], [-3, -3], [-1, 0]];
const BEAT = 10000;
const LIMIT = 4000;
const PAYING = 600000;
const TYPING = 300000;
/** A button that was tapped can be tapped again after so long: its form may have been lost. */
const SENDING = 10000;
/** An answer may come for so long: no proxy waits longer for the kiosk. */
const ANSWER = 75000;
const SEEN = 'tablet.seen';
/** How often the kept page went back to the bays and found none. */
export const TRIES = 'tablet.tries';

const root = document.documentElement;
const body = document.body;
const opened = performance.now();
let touching = false;
let over = false;

/** No finger is on the screen now. */
export const calm = () => !touching;

// --- inside

/** Only the tablet's own pages, and none of them is left behind for Back. @param {string} address */
export function go(address) {
  const url = new URL(address, location.href);
  if (!over && url.origin === location.origin && url.pathname.startsWith('/tablet/')) location.replace(url.href);
}

document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  for (const menu of document.querySelectorAll('details.sight[open]')) {
    if (event.target instanceof Node && !menu.contains(event.target)) menu.removeAttribute('open');
  }
  if (!link) return;
  event.preventDefault();
  // Whoever goes away from a payment under way may have paid for nothing.
  if (root.hasAttribute('data-paying')) return;
  const address = link.getAttribute('href') ?? '';
  if (address === RESET) void reset();
  else if (address) go(address);
});
for (const name of ['contextmenu', 'dragstart', 'selectstart', 'auxclick']) {
  document.addEventListener(name, (event) => {
    if (!(event.target instanceof HTMLInputElement)) event.preventDefault();
  });
}
for (const [name, down] of /** @type {[string, boolean][]} */ ([['pointerdown', true], ['pointerup', false], ['pointercancel', false]])) {
  document.addEventListener(name, () => {
    touching = down;
  }, { capture: true, passive: true });
}
window.addEventListener('pageshow', (event) => {
  if (event.persisted) location.replace('/tablet/');
});

// --- forms that the browser itself sends

let sent = -Infinity;

/**
 * A form is on its way, and its answer decides what is shown next: nothing else may lead away meanwhile. A charge that was
 * begun would be lost with it.
 */
export const sending = () => performance.now() - sent < ANSWER;

/** Bound to the window: whoever sends a form by a script has said so by then. A second tap must not begin a second start. */
window.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented) return;
  if (form.ariaBusy === 'true') {
    event.preventDefault();
    return;
  }
  form.ariaBusy = 'true';
  sent = performance.now();
  const button = /** @type {HTMLButtonElement | null} */ (event.submitter ?? form.querySelector('button:not([type=button])'));
  const words = [...(button?.childNodes ?? [])];
  // Not before the browser has read the form, and the button in it.
  window.setTimeout(() => {
    if (!button) return;
    button.disabled = true;
    button.textContent = body.dataset.slow ?? '';
  });
  const again = () => {
    clearTimeout(timer);
    window.removeEventListener('pageshow', shown);
    form.ariaBusy = null;
    if (!button) return;
    button.disabled = false;
    button.replaceChildren(...words);
  };
  const shown = () => {
    sent = -Infinity;
    again();
  };
  window.addEventListener('pageshow', shown);
  const timer = window.setTimeout(again, SENDING);
});

// --- between two drivers

/**
 * Forget everything; then the bays. Asked for by a script and not by a navigation, because without a connection that
 * would end on a page of the browser's own; the page that is kept for that case starts over once more.
 */
export async function reset() {
  if (over) return;
  over = true;
  forget();
  try {
    await fetch(RESET, { method: 'POST', redirect: 'manual', cache: 'no-store', signal: within(LIMIT) });
  } catch {
    // No connection.
  }
  location.replace('/tablet/');
}

/** What scripts can take away. Cookies that they cannot see are taken away by the answer to the reset. */
function forget() {
  try {
    sessionStorage.clear();
    localStorage.clear();
    const parts = location.hostname.split('.');
    const hosts = ['', ...parts.map((_part, at) => `; domain=${parts.slice(at).join('.')}`)];
    for (const cookie of document.cookie.split(';')) {
      const name = cookie.split('=')[0]?.trim();
      for (const path of name ? ['/', '/tablet', '/tablet/'] : []) {
        for (const host of hosts) document.cookie = `${name}=; Max-Age=0; path=${path}${host}`;
      }
    }
    void indexedDB.databases?.().then((all) => all.forEach((one) => one.name && indexedDB.deleteDatabase(one.name)));
  } catch {
    // A browser that keeps nothing has nothing to forget.
  }
}

// --- is somebody there

const times = { quiet: Number(body.dataset.quiet) * 1000, warning: Math.max(20, Number(body.dataset.warning)) * 1000 };
const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById('idle'));
let idle = begin(performance.now());
let left = 0;
/** When contact was lost. @type {ReturnType<typeof moment> | null} */
let lostAt = null;
/** @type {AudioContext | null} */
let audio = null;

/** A soft tone of a fifth of a second. A browser that must not make sounds makes none. */
function tone() {
  if (!('sound' in body.dataset)) return;
  try {
    audio ??= new AudioContext();
    void audio.resume();
    const [wave, volume, from] = [audio.createOscillator(), audio.createGain(), audio.currentTime];
    wave.frequency.value = 660;
    volume.gain.setValueAtTime(0, from);
    volume.gain.linearRampToValueAtTime(0.15, from + 0.03);
    volume.gain.linearRampToValueAtTime(0, from + 0.2);
    wave.connect(volume).connect(audio.destination);
    wave.start(from);
    wave.stop(from + 0.22);
  } catch {
    audio = null;
  }
}

function watch() {
  if (!dialog || !times.quiet) return;
  if ('lost' in body.dataset) {
    idle = begin(performance.now());
    return;
  }
  if (paying()) {
    stay();
    idle = touched(idle, performance.now());
  }
  const seen = look(idle, typing() ? { ...times, quiet: Math.max(times.quiet, TYPING) } : times, performance.now(), left);
  idle = seen.idle;
  left = seen.left;
  if (seen.sound) tone();
  if (seen.phase === 'over') {
    times.quiet = 0;
    void reset();
  } else if (seen.phase === 'warned') warn(dialog, seen.left);
}

/** @param {HTMLDialogElement} box @param {number} seconds */
function warn(box, seconds) {
  const soon = /** @type {HTMLElement | null} */ (box.querySelector('[data-soon]'));
  if (!box.open) {
    if (soon) soon.textContent = '';
    box.showModal();
    /** @type {HTMLElement | null} */ (box.querySelector('[data-more]'))?.focus();
  }
  const figure = box.querySelector('[data-left]');
  if (figure && figure.textContent !== String(seconds)) {
    figure.textContent = String(seconds);
    box.querySelector('rect')?.setAttribute('width', `${(100 * seconds * 1000) / times.warning}%`);
    // Spoken once, not each second.
    if (soon && seconds === 10) soon.textContent = (soon.dataset.soon ?? '').replace('{seconds}', '10');
  }
}

function stay() {
  idle = extended(idle, performance.now());
  left = 0;
  if (dialog?.open) dialog.close();
}

let payingSince = 0;

/** A card is being used: nobody is sent away before the bank has answered, or ten minutes have gone. */
function paying() {
  if (!root.hasAttribute('data-paying')) payingSince = 0;
  else if (!payingSince) payingSince = performance.now();
  return payingSince > 0 && performance.now() - payingSince < PAYING;
}

/** The caret is in a card's fields, where nobody sees what is typed, and cards are looked for in pockets. */
const typing = () => root.hasAttribute('data-typing');

for (const name of ['pointerdown', 'keydown', 'input', 'kiosk:alive']) {
  document.addEventListener(name, () => {
    idle = touched(idle, performance.now());
  }, { capture: true, passive: true });
}
dialog?.addEventListener('cancel', (event) => {
  event.preventDefault();
  stay();
});
dialog?.querySelector('[data-more]')?.addEventListener('click', stay);
dialog?.querySelector('[data-over]')?.addEventListener('click', () => void reset());

// --- connection

/** Nobody would notice a reload. Not sooner than a minute after the last one, whatever a server says. */
function atRest() {
  const untouched = performance.now() - idle.since;
  return calm() && !dialog?.open && untouched > times.quiet && untouched > REST && performance.now() - opened > SHIFT;
}

let noted = -Infinity;

/** Contact was made. @param {{assets?: string}} answer */
export function heard(answer) {
  if (performance.now() - noted > SHIFT) note();
  const old = performance.now() - opened > OLD || (answer.assets !== undefined && answer.assets !== body.dataset.assets);
  if (old && atRest() && 'rest' in body.dataset) go(location.pathname);
}

/** When contact was last made, for a page that is loaded without one. Once a minute: it is written to a disk. */
function note() {
  noted = performance.now();
  try {
    localStorage.setItem(SEEN, String(Math.round(now())));
    sessionStorage.removeItem(TRIES);
  } catch {
    // Only the time on the offline page is then missing.
  }
}

/** Say that there is no connection, in place of everything else. */
export function outage() {
  const words = document.getElementById('offline');
  const main = document.getElementById('main');
  if (!(words instanceof HTMLTemplateElement) || !main || 'lost' in body.dataset) return;
  body.dataset.lost = '';
  lostAt = moment();
  const screen = /** @type {DocumentFragment} */ (words.content.cloneNode(true));
  note();
  since(screen, now());
  main.toggleAttribute('hidden', true);
  main.after(screen);
  if (dialog?.open) dialog.close();
  /** @type {HTMLElement | null} */ (document.querySelector('.outage h1'))?.focus();
}

/**
 * Contact again: the page as it was, unless its driver would have been asked and sent away meanwhile.
 * @returns {boolean} it is shown again
 */
export function mended() {
  const away = lostAt !== null && passed(lostAt) > times.quiet + times.warning;
  if (away && times.quiet && !paying()) {
    void reset();
    return false;
  }
  lostAt = null;
  delete body.dataset.lost;
  document.querySelector('.outage')?.remove();
  document.getElementById('main')?.toggleAttribute('hidden', false);
  document.dispatchEvent(new Event('kiosk:back'));
  return true;
}

/**
 * Since when, with its day: nobody may look before the next morning.
 * @param {ParentNode} screen @param {number} from the kiosk's time in milliseconds
 */
export function since(screen, from) {
  const line = /** @type {HTMLElement | null} */ (screen.querySelector('[data-since]'));
  if (!line || !from) return;
  const words = new Intl.DateTimeFormat(root.lang === 'en' ? 'en-GB' : root.lang, {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: body.dataset.zone,
  });
  line.textContent = (line.dataset.since ?? '').replace('{time}', words.format(from));
}

/** When contact was last made, in the kiosk's milliseconds; 0 when that is not remembered. */
export function lastSeen() {
  return Number(localStorage.getItem(SEEN)) || 0;
}

if (body.dataset.heart) {
  const url = body.dataset.heart;
  keepAsking({ url: () => url, every: BEAT, take: heard, lost: outage, back: mended });
}

// --- for weeks

/** @type {WakeLockSentinel | null} */
let lock = null;

async function awake() {
  if (document.hidden || !('wakeLock' in navigator) || (lock && !lock.released)) return;
  try {
    lock = await navigator.wakeLock.request('screen');
  } catch {
    // Refused, for example on a low battery. The system's own setting then decides.
  }
}

let step = 0;

/** A few pixels each minute, so that nothing burns in; by a transform, so that nothing on the page moves its place. */
function shift() {
  if (touching || dialog?.open) return;
  step = (step + 1) % SHIFTS.length;
  const [x, y] = /** @type {number[]} */ (SHIFTS[step]);
  body.style.setProperty('translate', `${x}px ${y}px`);
}

document.addEventListener('visibilitychange', () => void awake());
void awake();
window.setInterval(watch, 250);
window.setInterval(shift, SHIFT);
window.setInterval(() => void awake(), SHIFT);
if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/tablet/sw.js', { scope: '/tablet/' }).catch(() => {});
// From here on the page keeps its own promises.
document.querySelector('[data-late=tablet]')?.remove();
