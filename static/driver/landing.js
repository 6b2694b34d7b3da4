// @ts-check
/** What is free: counts its age, fetches it again before it is old, and never lets an old bay look free. */
import { moment, passed, since, speed, tick } from '../shared/ages.js';
import { limit, parse, swap } from '../shared/swap.js';

const EVERY = 10000;
const FRESH = 30;
/** An old card in the answer means that a new one was asked for: it is there in a moment, which may be long by a fast clock. */
const SOON = 1000;

let sending = false;
/**
 * The bay that this page showed as chosen when it was loaded, or that was tapped since. It is kept outside of what is
 * renewed: a charger that blinks for a moment changes nothing of it.
 */
let bay = chosen();
let fetching = false;
let last = moment();
/** How often in a row an answer brought nothing newer. */
let unchanged = 0;

const main = () => /** @type {HTMLElement} */ (document.getElementById('main'));

function chosen() {
  const input = document.querySelector('#main input[name=connector]:checked');
  return input instanceof HTMLInputElement ? input.value : null;
}

/** What a page is about: one charger, or all bays. What only says why there is nothing is about neither. @param {Document} page */
function about(page) {
  const place = page.querySelector('#main [data-about]');
  return place instanceof HTMLElement ? (place.dataset.about ?? null) : null;
}

/** The driver's own bay in the next page; when it cannot be had, none, and the page says so. @param {Document} page */
function keepBay(page) {
  const inputs = [...page.querySelectorAll('input[name=connector]')].filter((one) => one instanceof HTMLInputElement);
  const first = inputs[0];
  if (!bay || !first) return;
  for (const input of inputs) input.toggleAttribute('checked', input.value === bay);
  if (inputs.some((input) => input.value === bay)) return;
  const bays = /** @type {HTMLElement} */ (first.closest('fieldset'));
  const said = main().querySelector('#bay-gone') !== null;
  const words = page.createElement('p');
  words.id = 'bay-gone';
  words.className = 'err';
  words.textContent = bays.dataset.gone ?? '';
  // Spoken once, not at each renewal.
  if (!said) words.setAttribute('role', 'alert');
  bays.before(words);
  bays.setAttribute('aria-describedby', 'bay-gone');
}

/** One on a charger's page, one for each group of bays on the first page. */
function ages() {
  return [...main().querySelectorAll('[data-age]')].filter((one) => one instanceof HTMLElement);
}

/** Somebody types: the field must stay the one that has the keyboard. */
function typing() {
  const active = document.activeElement;
  return active instanceof HTMLInputElement && !['radio', 'checkbox'].includes(active.type);
}

function due() {
  if (document.hidden || sending || fetching || typing()) return false;
  const looking = main().querySelector('[data-looking]') !== null;
  const usual = looking ? 2500 : Math.max(2500, EVERY / speed());
  const pause = unchanged === 1 ? SOON : usual;
  if (passed(last) < pause) return false;
  const shown = ages()[0];
  const open = main().querySelector('#start') !== null;
  return looking || !open || !shown || since(shown.dataset.age) >= FRESH;
}

/** This page again. The hand-off from a tablet, the second car and the way back stay; a wish for a language has been heard already. */
function address() {
  const asked = new URLSearchParams(location.search);
  const kept = new URLSearchParams();
  for (const name of ['h', 'another', 'back']) {
    const value = asked.get(name);
    if (value) kept.set(name, value);
  }
  return location.pathname.replace(/\/start$/, '') + (String(kept) ? `?${kept}` : '');
}

/** Why the last start was refused stays to be read. It is not spoken again. @param {Document} page */
function keepRefusal(page) {
  const refusal = main().querySelector('#bay-err');
  const bays = page.querySelector('input[name=connector]')?.closest('fieldset');
  if (!refusal || !bays || page.querySelector('#bay-err')) return;
  const kept = /** @type {Element} */ (refusal.cloneNode(true));
  kept.removeAttribute('role');
  bays.before(kept);
  bays.setAttribute('aria-describedby', 'bay-err');
}

async function renew() {
  fetching = true;
  last = moment();
  const before = ages()[0]?.dataset.age;
  try {
    const wanted = { headers: { Accept: 'text/html' }, signal: limit() };
    const answer = await fetch(address(), { ...wanted, cache: 'no-store' });
    if (new URL(answer.url).pathname.startsWith('/s/')) {
      location.replace(answer.url);
      return;
    }
    const page = parse(await answer.text());
    // A refusal or a fault of ours says nothing of the charger: what is shown stays, and its age goes on counting.
    const good = page && page.querySelector('[data-problem]') === null && (about(document) ?? about(page)) === about(page);
    if (page && good && !sending) {
      keepRefusal(page);
      keepBay(page);
      swap(page, page.title !== document.title && main().querySelector('[data-looking]') !== null);
      bay ??= chosen();
    }
    const after = ages()[0]?.dataset.age;
    unchanged = after !== undefined && after === before && since(after) >= FRESH ? unchanged + 1 : 0;
  } catch {
    // No connection. The age goes on counting, and an old card is not usable.
  }
  fetching = false;
  last = moment();
  tick();
}

/** Older than a minute: no bay is free any more, and nothing can be started from here. */
function expire() {
  const words = document.getElementById('unknown');
  if (!(words instanceof HTMLTemplateElement)) return;
  const all = ages();
  for (const one of all.filter((each) => since(each.dataset.age) > Number(each.dataset.edge))) {
    const place = all.length > 1 ? (one.closest('section') ?? main()) : main();
    for (const state of place.querySelectorAll(':is(label.opt, .rows) .state')) state.replaceWith(words.content.cloneNode(true));
    for (const plate of place.querySelectorAll('.rows .plate')) plate.classList.add('off');
    const button = main().querySelector('#start button');
    if (button instanceof HTMLButtonElement) button.disabled = true;
  }
}

/** While the start is asked for, the way to the payment provider is opened: nothing is fetched there. @param {string} [origin] */
function meet(origin) {
  if (!origin) return;
  const link = document.createElement('link');
  link.rel = 'preconnect';
  link.href = origin;
  document.head.append(link);
}

document.addEventListener('change', (event) => {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || input.name !== 'connector') return;
  bay = input.value;
  document.getElementById('bay-gone')?.remove();
});

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.id !== 'start') return;
  if (sending) {
    event.preventDefault();
    return;
  }
  sending = true;
  meet(form.dataset.next);
  // Back from the page to pay on leads to the bays again, and not through here to that page.
  if (!location.pathname.endsWith('/start')) history.replaceState(null, '', `${location.pathname}?back=1`);
  const button = form.querySelector('button');
  window.setTimeout(() => {
    if (!button) return;
    button.disabled = true;
    button.textContent = document.body.dataset.slow ?? '';
  });
});

window.addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  expire();
  if (!sending && !fetching) void renew();
});

window.setInterval(() => {
  expire();
  if (due()) void renew();
}, 500);
// From here on the page keeps its own promises.
document.querySelector('[data-late=landing]')?.remove();
