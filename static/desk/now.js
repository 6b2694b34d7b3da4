// @ts-check
/**
 * Keeps the desk's first page up to date: a stream says that there is something newer, and then the page is fetched
 * once more, at most every two seconds; without a stream every quarter of a minute. A tab that nobody looks at keeps
 * nothing open. What is fetched here keeps nobody signed in.
 */
import { sync, tick } from '../shared/ages.js';
import { limit, parse, swap } from '../shared/swap.js';

const REST = 2000;
const POLL = 15000;

/** @type {EventSource | null} */
let stream = null;
let timer = 0;
let fetchedAt = performance.now();
let fetching = false;

/** Fetches the page `wait` milliseconds from now, unless that is to happen sooner. */
let due = Infinity;
/** @param {number} wait */
function soon(wait) {
  const at = performance.now() + wait;
  if (at >= due || document.hidden) return;
  clearTimeout(timer);
  due = at;
  timer = window.setTimeout(renew, wait);
}

async function renew() {
  due = Infinity;
  if (fetching) return;
  fetching = true;
  try {
    const headers = { Accept: 'text/html' };
    const answer = await fetch('/desk/now', { headers, cache: 'no-store', redirect: 'manual', signal: limit() });
    if (answer.type === 'opaqueredirect' || answer.status === 403) {
      leave();
      return;
    }
    const page = answer.ok ? parse(await answer.text()) : null;
    if (page) show(page);
  } catch {
    // No connection: the page says how old it is, and asks again.
  } finally {
    fetching = false;
    fetchedAt = performance.now();
    soon(POLL);
  }
}

/** @param {Document} page */
function show(page) {
  const scrolled = [...document.querySelectorAll('#main .scroll')].map((one) => one.scrollLeft);
  swap(page, false);
  document.querySelectorAll('#main .scroll').forEach((one, index) => (one.scrollLeft = scrolled[index] ?? 0));
  const [before, after] = [document.querySelector('.top nav'), page.querySelector('.top nav')];
  if (before && after && !before.contains(document.activeElement)) {
    const along = before.scrollLeft;
    before.replaceWith(after);
    after.scrollLeft = along;
  }
  sync(page.documentElement.dataset.now ?? '');
  tick();
}

/** Somebody has to sign in again: the page leads there by itself. */
function leave() {
  close();
  location.reload();
}

function open() {
  soon(Math.max(0, POLL - (performance.now() - fetchedAt)));
  if (stream || document.hidden || !('EventSource' in window)) return;
  stream = new EventSource('/desk/now/events');
  stream.onmessage = () => soon(Math.max(0, REST - (performance.now() - fetchedAt)));
  stream.addEventListener('over', leave);
  stream.onerror = () => {
    // The browser comes back by itself unless it was refused; then the page asks without a stream.
    if (stream?.readyState === EventSource.CLOSED) stream = null;
  };
}

function close() {
  stream?.close();
  stream = null;
  clearTimeout(timer);
  due = Infinity;
}

document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
window.addEventListener('pagehide', close);
window.addEventListener('pageshow', open);
open();
