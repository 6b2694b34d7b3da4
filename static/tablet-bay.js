// @ts-check
/** One bay: keeps its square code new, sees when a phone has taken it or the bay is gone, and then frees the screen. */
import { go, heard, mended, outage, reset } from './tablet.js';
import { keepAsking } from './tablet-link.js';
import { speed } from './ages.js';

/** @typedef {{usable: boolean, shape: string, assets: string, claimed: boolean, closed: boolean, picture?: string, phrase?: string, seconds_left?: number}} Told */

const EVERY = 1500;
const WINDOW = 45;
const main = /** @type {HTMLElement} */ (document.getElementById('main'));
const { state, handoff, bay, shape } = main.dataset;
const picture = document.querySelector('[data-picture]');
const line = /** @type {HTMLElement | null} */ (document.querySelector('p[data-left]'));
let ends = performance.now() + Number(line?.dataset.left ?? 0) * 1000;
let shown = '';

/** @param {Told} told */
function take(told) {
  heard(told);
  if (told.claimed) {
    go(`/tablet/continue?bay=${encodeURIComponent(bay ?? '')}`);
    return;
  }
  if (told.shape !== shape || (handoff && told.closed)) {
    hide();
    go(location.pathname);
    return;
  }
  if (told.picture === undefined || !picture) return;
  ends = performance.now() + (told.seconds_left ?? 0) * 1000;
  if (told.picture !== shown) {
    shown = told.picture;
    picture.innerHTML = shown;
  }
  const words = document.querySelector('[data-phrase]');
  if (words && told.phrase && words.textContent !== told.phrase) words.textContent = told.phrase;
  count();
}

/** A code that nobody vouches for is not shown. */
function hide() {
  picture?.replaceChildren();
  shown = '';
}

function lost() {
  hide();
  outage();
}

function back() {
  mended();
  go(location.pathname);
}

function count() {
  const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
  const seconds = line?.querySelector('[data-seconds]');
  if (seconds && seconds.textContent !== String(left)) {
    seconds.textContent = String(left);
    document.querySelector('.qr .drain rect')?.setAttribute('width', `${Math.min(100, (100 * left) / WINDOW)}%`);
  }
  // The next one should have come. This one is good for one more window, and then nobody could use it.
  if (line && performance.now() - ends > (WINDOW / 2) * 1000) hide();
}

if (state) {
  const url = handoff ? `${state}?handoff=${encodeURIComponent(handoff)}` : state;
  keepAsking({ url: () => url, every: EVERY * speed(), take, lost, back });
}

const next = document.querySelector('[data-next]');
if (next) {
  const end = performance.now() + Number(next.textContent) * 1000;
  const timer = window.setInterval(() => {
    const left = Math.ceil((end - performance.now()) / 1000);
    next.textContent = String(Math.max(0, left));
    if (left > 0) return;
    clearInterval(timer);
    void reset();
  }, 200);
} else if (line) {
  window.setInterval(count, 250);
}
