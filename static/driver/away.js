// @ts-check
/**
 * The phone's own silence is not the charger's. When nothing of ours arrives, the page says so, shows its figures as old
 * ones and calls nothing "now". The words for it stand in the page's `#away`; a page without them says nothing.
 */
import { moment, passed, tick } from '../shared/ages.js';

/** Without an answer for so long, and after a question that failed, nobody is heard. */
const SILENT = 20000;

let heard = moment();
/** @type {(() => void)[]} */
let undo = [];

/** Something of ours has arrived. */
export function heardFrom() {
  heard = moment();
  for (const back of undo.splice(0).reverse()) back();
}

/** A question got no answer. */
export function unheard() {
  if (!navigator.onLine || passed(heard) > SILENT) away();
}

/** @param {Element | null} element @param {string} text */
function reword(element, text) {
  if (!element) return;
  const before = [...element.childNodes];
  element.textContent = text;
  undo.push(() => element.replaceChildren(...before));
}

function away() {
  const words = document.querySelector('#main > #away');
  const band = document.querySelector('#main > .band');
  if (undo.length || !(words instanceof HTMLTemplateElement) || !(band instanceof HTMLElement)) return;
  const tone = band.dataset.tone ?? '';
  const before = [...band.childNodes];
  const plate = band.querySelector('.plate');
  const heading = band.querySelector('h1');
  const said = /** @type {DocumentFragment} */ (words.content.cloneNode(true));
  if (!heading) return;
  const title = /** @type {Element} */ (heading.cloneNode(false));
  title.replaceChildren(...(said.querySelector('b')?.childNodes ?? []));
  said.querySelector('b')?.replaceWith(title);
  band.replaceChildren(...(plate ? [plate.cloneNode(true)] : []), said);
  band.dataset.tone = 'warn';
  undo.push(() => {
    band.replaceChildren(...before);
    band.dataset.tone = tone;
  });
  const age = document.querySelector('#main [data-live]');
  if (age instanceof HTMLElement) {
    const edge = age.dataset.edge ?? '';
    age.dataset.edge = '-1';
    undo.push(() => (age.dataset.edge = edge));
    const power = document.querySelector('#main [data-f=power]');
    reword(document.querySelector('#main #power'), words.dataset.power ?? '');
    const then = (words.dataset.then ?? '').replace('{power}', power?.textContent ?? '');
    reword(power, then.replace('{time}', age.dataset.time ?? ''));
    // The curve ends with the last figures, which are not those of now.
    if (age.dataset.time) reword(document.querySelector('#main .axis span + span'), age.dataset.time);
  }
  const region = document.querySelector('#main > p[role=status]');
  if (region) region.textContent = band.querySelector('h1')?.textContent ?? '';
  tick();
}

window.addEventListener('offline', away);
