// @ts-check
/** One bay: keeps its square code new, sees when a phone has taken it or the bay is gone, and then frees the screen. */
import { calm, go, heard, mended, outage, reset, sending } from './tablet.js';
import { keepAsking, within } from './link.js';
import { moment, passed, speed } from '../shared/ages.js';

/** @typedef {{usable: boolean, shape: string, assets: string, claimed: boolean, closed: boolean, near: string[], picture?: string, phrase?: string, seconds_left?: number}} Told */

const EVERY = 1500;
const WINDOW = 45;
/** Milliseconds of the kiosk's clock after which a bay is not called free any more. */
const EDGE = 60000;
const LIMIT = 6000;
const main = /** @type {HTMLElement} */ (document.getElementById('main'));
const { state, handoff, bay, shape } = main.dataset;
const picture = document.querySelector('[data-picture]');
const line = /** @type {HTMLElement | null} */ (document.querySelector('p[data-left]'));
let ends = performance.now() + Number(line?.dataset.left ?? 0) * 1000;
let shown = '';
let told = moment();
let looking = false;
/** @type {ReturnType<typeof keepAsking> | null} */
let asking = null;

/** @param {Told} news */
function take(news) {
  heard(news);
  if (sending()) {
    // Whatever it was: it must be told again when no answer has come.
    asking?.again();
    return;
  }
  told = moment();
  if (news.claimed) {
    go(`/tablet/continue?bay=${encodeURIComponent(bay ?? '')}`);
    return;
  }
  if (news.shape !== shape || (handoff && news.closed)) {
    hide();
    go(location.pathname);
    return;
  }
  if (nearby() && nearby()?.dataset.near !== news.near.join(' ')) void lookAround();
  if (news.picture === undefined || !picture) return;
  ends = performance.now() + (news.seconds_left ?? 0) * 1000;
  if (news.picture !== shown) {
    shown = news.picture;
    picture.innerHTML = shown;
  }
  const words = document.querySelector('[data-phrase]');
  if (words && news.phrase && words.textContent !== news.phrase) words.textContent = news.phrase;
  count();
}

/** The other bays that are free, or the words that there are none. */
const nearby = () => /** @type {HTMLElement | null} */ (document.querySelector('[data-near]'));

/** The other bays as they are now. The rest stays: an owner may be typing, and the time until somebody is missed runs on. */
async function lookAround() {
  if (looking || !calm()) return;
  looking = true;
  try {
    const answer = await fetch(location.pathname, { headers: { Accept: 'text/html' }, cache: 'no-store', signal: within(LIMIT) });
    const page = new DOMParser().parseFromString(answer.ok ? await answer.text() : '', 'text/html');
    const after = page.querySelector('[data-near]');
    if (!after || !calm()) return;
    const sheet = page.querySelector('body > svg[hidden]');
    if (sheet) document.querySelector('body > svg[hidden]')?.replaceWith(sheet);
    nearby()?.replaceWith(after);
  } catch {
    // Asked for again with the next answer.
  } finally {
    looking = false;
  }
}

/** Other bays are called free for as long as somebody says so. */
function expire() {
  const place = nearby();
  if (!place?.dataset.near || passed(told) * speed() <= EDGE) return;
  place.replaceChildren();
  place.dataset.near = '?';
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
  if (mended() && !sending()) go(location.pathname);
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
  asking = keepAsking({ url: () => url, every: EVERY * speed(), take, lost, back });
  window.setInterval(expire, 1000);
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
// From here on the page keeps its own promises.
document.querySelector('[data-late=bay]')?.remove();
