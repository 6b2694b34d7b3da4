// @ts-check
/** The board: brings every bay up to date in its place, and never lets an old one look free. */
import { since, tick } from '../shared/ages.js';
import { calm, go, heard, mended, outage } from './tablet.js';
import { keepAsking } from './link.js';

/** @typedef {{assets: string, layout: string, as_of: string | null, time: string | null, prices: string, note: string, stalls: Record<string, [string, string]>, seen: Record<string, string>}} Told */

const EVERY = 5000;
const EDGE = 60;
const REST = 60000;

const main = /** @type {HTMLElement} */ (document.getElementById('main'));
const unknown = /** @type {HTMLTemplateElement} */ (document.getElementById('unknown'));
/** What each bay shows, as it was told. @type {Map<string, string>} */
const shown = new Map();
let touchedAt = performance.now();

document.body.dataset.rest = '';

/** @returns {NodeListOf<HTMLElement>} */
const stalls = () => main.querySelectorAll('a[data-stall]');

/** @param {Told} told */
function take(told) {
  heard(told);
  if (told.layout !== main.dataset.layout) {
    go(location.pathname);
    return;
  }
  // Nothing changes under a finger.
  if (!calm()) {
    link.again();
    return;
  }
  for (const stall of stalls()) {
    const key = stall.dataset.stall ?? '';
    const [kind, text] = told.stalls[key] ?? ['', ''];
    stall.dataset.seen = told.seen[key] ?? '';
    if (!kind || `${kind} ${text}` === shown.get(key)) continue;
    draw(stall, kind, text);
    shown.set(key, `${kind} ${text}`);
  }
  const age = document.getElementById('age');
  if (age && told.as_of) {
    Object.assign(age.dataset, { age: told.as_of, time: told.time ?? '', edge: String(EDGE) });
  }
  for (const [id, text] of [['prices', told.prices], ['price-note', told.note]]) {
    const place = document.getElementById(id);
    if (!place || shown.get(`#${id}`) === text) continue;
    place.innerHTML = text;
    shown.set(`#${id}`, text);
  }
  tick();
  expire();
}

/**
 * The link itself stays, and with it the focus.
 * @param {HTMLElement} stall @param {string} kind @param {string} text
 */
function draw(stall, kind, text) {
  stall.innerHTML = text;
  stall.className = `stall ${kind}`;
}

/** A bay that nobody has heard of for a minute is not known, whatever it was. */
function expire() {
  for (const stall of stalls()) {
    const old = !stall.dataset.seen || since(stall.dataset.seen) > EDGE;
    if (!old || stall.classList.contains('off')) continue;
    for (const more of stall.querySelectorAll(':scope > :not(.plate)')) more.remove();
    stall.append(unknown.content.cloneNode(true));
    stall.querySelector('.plate')?.classList.add('off');
    stall.className = 'stall off';
    shown.delete(stall.dataset.stall ?? '');
    link.again();
  }
}

const further = /** @type {HTMLElement | null} */ (document.querySelector('[data-further]'));

function more() {
  const below = main.scrollHeight - main.scrollTop - main.clientHeight;
  further?.toggleAttribute('hidden', below < 40);
}

further?.addEventListener('click', () => main.scrollBy({ top: main.clientHeight * 0.6, behavior: 'smooth' }));
main.addEventListener('scroll', more, { passive: true });
window.addEventListener('resize', more);
document.addEventListener('pointerdown', () => {
  touchedAt = performance.now();
}, { passive: true });

const link = keepAsking({ url: () => '/tablet/board.json', every: EVERY, take, lost: outage, back: mended });

window.setInterval(() => {
  expire();
  if (main.scrollTop > 0 && performance.now() - touchedAt > REST) main.scrollTo(0, 0);
}, 1000);
more();
expire();
// From here on the page keeps its own promises.
document.querySelector('[data-late=board]')?.remove();
