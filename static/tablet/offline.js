// @ts-check
/**
 * The page that the browser kept, for when the kiosk does not answer or answers that it cannot: says since when, and goes
 * back by itself. More rarely when it was in vain before, because then the kiosk is there but its pages are not.
 */
import { TRIES, lastSeen, reset, since } from './tablet.js';
import { keepAsking } from './link.js';

const EVERY = 5000;
const tries = Number(sessionStorage.getItem(TRIES)) || 0;

function back() {
  void reset();
  sessionStorage.setItem(TRIES, String(tries + 1));
}

since(document, lastSeen());
keepAsking({ url: () => '/tablet/alive.json', every: EVERY * 2 ** Math.min(tries, 5), take: back, lost: () => {}, back });
// From here on the page keeps its own promises.
document.querySelector('[data-late=offline]')?.remove();
