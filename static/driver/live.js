// @ts-check
/**
 * Keeps a session's page up to date: by event stream while somebody looks at it, by polling when there is no stream.
 * Over HTTP/1.1 a browser has six connections to us for all of its tabs: none is kept by a page that nobody sees, and at
 * most three by all together, so that what a driver asks for never waits behind them. Figures are written in place; when
 * more than figures changed, the page is fetched again, so that there is one place where pages are made.
 */
import { moment, passed, sync, tick, write } from '../shared/ages.js';
import { heardFrom, unheard } from './away.js';
import { limit, parse, sameForm, speak, swap } from '../shared/swap.js';
import { ready } from './keep.js';

/**
 * @typedef {{used: string, rest: string, mark: string | null, label: string}} Bar
 * @typedef {{area: string, curve: string, gap: string | null, label: string}} Spark
 * @typedef {{now?: string, screen: string, shape: string, title: string, say: string, figures: Record<string, string>,
 *   bar: Bar | null, spark: Spark | null, fresh_at: string | null, fresh_time: string | null, final: boolean}} State
 */

const POLL = 5000;
const SLOW = 60000;
const STREAM_AGAIN = 30000;
const MOST_STREAMS = 3;
/** A stream that is silent for so long is doubted. Scripts do not see its pings. */
const SILENT = 40000;
/** How often, and how many times, an ended session is asked for the proof that its hold went back. */
const PROOF = 2000;
const PROOFS = 60;

const main = () => /** @type {HTMLElement} */ (document.getElementById('main'));
const address = main().dataset.url ?? location.pathname;

/** @type {EventSource | null} */
let stream = null;
/** Gives this page's place among the browser's streams to another tab. */
let leave = () => {};
let opening = false;
let etag = '';
let failures = 0;
let misses = 0;
let proofs = 0;
let breaks = 0;
let timer = 0;
let heard = moment();
let fetching = false;
/** @type {State | null} */
let next = null;

/** @param {State} state */
function take(state) {
  if (state.now) sync(state.now);
  heardFrom();
  // A site's screen without a connection decides for itself whether its driver is shown again, and says `kiosk:back`.
  if ('lost' in document.body.dataset) {
    etag = '';
    return;
  }
  const shown = main().dataset;
  const moved = state.screen !== shown.screen;
  if (moved && (state.screen === 'created' || shown.screen === 'created')) {
    // Stripe's script and its permissions belong to the pay page alone, so this is a real navigation.
    location.replace(address);
  } else if (moved || (state.shape !== shown.shape && shown.screen !== 'created')) {
    void renew(state);
  } else if (shown.screen !== 'created') {
    fill(state);
  }
}

/** @param {State} state */
function fill(state) {
  for (const [name, text] of Object.entries(state.figures)) {
    for (const element of document.querySelectorAll(`[data-f="${name}"]`)) write(element, text);
  }
  const bar = main().querySelector('svg.bar');
  if (bar && state.bar) {
    bar.setAttribute('aria-label', state.bar.label);
    used(bar).setAttribute('width', `${state.bar.used}%`);
    bar.querySelector('.back')?.setAttribute('x', `${state.bar.used}%`);
    bar.querySelector('.back')?.setAttribute('width', `${state.bar.rest}%`);
  }
  const spark = main().querySelector('svg.spark');
  if (spark && state.spark) {
    spark.setAttribute('aria-label', state.spark.label);
    spark.querySelector('.area')?.setAttribute('d', state.spark.area);
    spark.querySelector('.curve')?.setAttribute('d', state.spark.curve);
  }
  const age = main().querySelector('[data-live]');
  if (age instanceof HTMLElement && state.fresh_at) {
    age.dataset.age = state.fresh_at;
    age.dataset.time = state.fresh_time ?? '';
  }
  document.title = state.title;
  tick();
}

/**
 * The solid part is not drawn while nothing is used.
 * @param {Element} bar
 */
function used(bar) {
  const there = bar.querySelector('.used');
  if (there) return there;
  const made = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  made.setAttribute('class', 'used');
  made.setAttribute('height', '100%');
  bar.append(made);
  return made;
}

/** @param {State} state */
async function renew(state) {
  next = state;
  if (fetching) return;
  fetching = true;
  try {
    while (next) {
      const wanted = next;
      next = null;
      const answer = await fetch(address, { headers: { Accept: 'text/html' }, cache: 'no-store', signal: limit() });
      const page = answer.ok ? parse(await answer.text()) : null;
      if (!page) throw new Error('not the page');
      misses = 0;
      const moved = page.getElementById('main')?.dataset.screen !== main().dataset.screen;
      swap(page, moved);
      if (moved) speak(wanted.say);
      ready();
      tick();
    }
  } catch {
    // No connection, or somebody else's answer. The state was told and is not shown, so it must be told again.
    etag = '';
    unheard();
    later(longer(misses));
    misses += 1;
  } finally {
    fetching = false;
  }
}

/** @returns {Promise<boolean>} nothing is newer than what was told before */
async function poll() {
  clearTimeout(timer);
  let same = false;
  try {
    const headers = etag ? { 'If-None-Match': etag } : undefined;
    const answer = await fetch(`${address}.json`, { headers, cache: 'no-store', signal: limit() });
    if (answer.status === 404) {
      location.reload();
      return true;
    }
    same = answer.status === 304;
    if (same) heardFrom();
    if (answer.ok) {
      const state = /** @type {State} */ (await answer.json());
      etag = answer.headers.get('ETag') ?? '';
      take(state);
    }
    failures = answer.ok || answer.status === 304 ? 0 : failures + 1;
  } catch {
    failures += 1;
    unheard();
  }
  if (!stream) later(wait());
  return same;
}

/** A stream whose connection died without a word looks like one without news; only asking tells them apart. */
async function check() {
  const doubted = stream;
  heard = moment();
  const same = await poll();
  if (same || !doubted || stream !== doubted) return;
  drop();
  void listen();
}

/** Five seconds, longer after failures, a minute in the background; an ended session changes only by its proof. */
function wait() {
  if (document.hidden) return SLOW;
  if ('proving' in main().dataset && proofs < PROOFS) {
    proofs += 1;
    return PROOF;
  }
  if ('final' in main().dataset) return SLOW / 2;
  return longer(failures);
}

/** @param {number} times how often it went wrong */
function longer(times) {
  return Math.min(SLOW, POLL * 2 ** Math.min(times, 4));
}

/** @param {number} milliseconds */
function later(milliseconds) {
  clearTimeout(timer);
  timer = window.setTimeout(() => void poll(), milliseconds);
}

/** @returns {Promise<(() => void) | null>} gives the place free again; null when other tabs have them all */
async function place() {
  // Where browsers have no locks, each page that is looked at has its stream.
  if (!('locks' in navigator)) return () => {};
  for (let number = 1; number <= MOST_STREAMS; number += 1) {
    /** @type {(() => void) | null} */
    const free = await new Promise((resolve) => {
      const hold = (/** @type {Lock | null} */ lock) => (lock ? new Promise((done) => resolve(() => done(null))) : resolve(null));
      navigator.locks.request(`kiosk stream ${number}`, { ifAvailable: true }, hold).catch(() => resolve(null));
    });
    if (free) return free;
  }
  return null;
}

/** Nobody needs a stream: the page is not seen, or nothing comes any more. */
const quiet = () => document.hidden || 'final' in main().dataset || !('EventSource' in window);

async function listen() {
  if (stream || opening) return;
  later(wait());
  if (quiet()) return;
  opening = true;
  const free = await place();
  opening = false;
  if (!free) {
    window.setTimeout(listen, STREAM_AGAIN);
    return;
  }
  if (quiet()) {
    free();
    return;
  }
  leave = free;
  const opened = new EventSource(`${address}/events`);
  stream = opened;
  heard = moment();
  opened.onmessage = (event) => {
    breaks = 0;
    heard = moment();
    // The name of the state is the same in both ways of telling it.
    etag = event.lastEventId ? `W/"${event.lastEventId}"` : '';
    take(/** @type {State} */ (JSON.parse(event.data)));
    if ('final' in main().dataset) drop();
  };
  opened.onerror = () => {
    breaks += 1;
    if (opened.readyState === EventSource.CLOSED || breaks > 2) {
      drop();
      window.setTimeout(listen, STREAM_AGAIN);
    }
  };
}

/** Without a stream, poll. */
function drop() {
  stream?.close();
  stream = null;
  leave();
  later(wait());
}

/** @param {HTMLFormElement} form */
async function post(form) {
  const button = form.querySelector('button');
  if (!button || button.disabled) return;
  const words = [...button.childNodes];
  const body = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  button.disabled = true;
  button.textContent = document.body.dataset.slow ?? '';
  complain(form, '');
  try {
    const headers = { Accept: 'application/json' };
    const answer = await fetch(form.action, { method: 'POST', headers, body, signal: limit() });
    const said = await answer.json();
    if (answer.ok) take(/** @type {State} */ (said));
    else complain(form, said.message ?? said.error?.text ?? document.body.dataset.failed ?? '');
  } catch {
    complain(form, form.dataset.failed ?? document.body.dataset.failed ?? '');
    unheard();
  }
  if (document.contains(button)) {
    button.replaceChildren(...words);
    button.disabled = false;
  }
}

/**
 * In the form that is on the page now: while the answer was on its way, the whole page may have been renewed.
 * @param {HTMLFormElement} sent
 * @param {string} text
 */
function complain(sent, text) {
  const form = document.contains(sent) ? sent : sameForm(document, sent);
  if (!form) return;
  let place = form.querySelector('[data-complaint]');
  if (!place && text) {
    place = document.createElement('p');
    place.className = 'err';
    place.setAttribute('data-complaint', '');
    place.setAttribute('role', 'alert');
    form.prepend(place);
  }
  if (place) place.textContent = text;
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !('post' in form.dataset)) return;
  event.preventDefault();
  void post(form);
});

document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    drop();
    return;
  }
  void check();
  void listen();
});
window.addEventListener('online', () => void check());
document.addEventListener('kiosk:back', () => void check());
window.addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

window.setInterval(() => {
  if (stream && !document.hidden && passed(heard) > SILENT) void check();
}, POLL);

void listen();
// From here on the page keeps its own promises.
document.querySelector('[data-late=live]')?.remove();
