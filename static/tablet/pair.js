// @ts-check
/** A screen that is not paired: looks each minute whether it is by now, as long as nobody types a code. */
import { calm, go } from './tablet.js';
import { within } from './link.js';

const EVERY = 60000;
const LIMIT = 6000;
const BOARD = '/tablet/';
const field = /** @type {HTMLInputElement} */ (document.getElementById('code'));

/** Nobody would notice. */
const free = () => field.value === '' && document.activeElement !== field && calm();

window.setInterval(async () => {
  if (!free()) return;
  try {
    const answer = await fetch(BOARD, { method: 'HEAD', cache: 'no-store', signal: within(LIMIT) });
    if (answer.ok && free()) go(BOARD);
  } catch {
    // No connection: the form stays.
  }
}, EVERY);
