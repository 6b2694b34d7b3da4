// @ts-check
// The frame of the Payment Element: card fields, or the choice of the method that redirects.
import { listen, makeMethod, part, tell, word } from './frame.js';

/** @typedef {'number' | 'expiry' | 'cvc'} FieldName */

const form = part('form', HTMLFormElement);
const methods = part('methods', HTMLFieldSetElement);
const cardFields = part('card-fields', HTMLDivElement);
const note = part('redirect-note', HTMLParagraphElement);
const spoken = part('alert', HTMLParagraphElement);
const inputs = {
  number: part('number', HTMLInputElement),
  expiry: part('expiry', HTMLInputElement),
  cvc: part('cvc', HTMLInputElement),
};
const NAMES = /** @type {FieldName[]} */ (Object.keys(inputs));

const digits = (/** @type {FieldName} */ name) => inputs[name].value.replace(/\D/g, '');
const chosen = () => String(new FormData(form).get('method') ?? 'card');

/** @param {string} number */
function passesLuhn(number) {
  let total = 0;
  [...number].reverse().forEach((digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    total += value > 9 ? value - 9 : value;
  });
  return total % 10 === 0;
}

/** American Express has 15 digits and a four-digit code; the others of the test list have 16 and three. */
const isAmex = () => /^3[47]/.test(digits('number'));

/** @returns {{name: FieldName, code: string} | null} the first thing that is wrong */
function problem() {
  const number = digits('number');
  const expiry = digits('expiry');
  if (number.length < (isAmex() ? 15 : 16)) {
    return { name: 'number', code: number.length >= 12 && !passesLuhn(number) ? 'invalid_number' : 'incomplete_number' };
  }
  if (number.length > 19 || !passesLuhn(number)) return { name: 'number', code: 'invalid_number' };
  if (expiry.length < 4) return { name: 'expiry', code: 'incomplete_expiry' };
  const month = Number(expiry.slice(0, 2));
  if (month < 1 || month > 12) return { name: 'expiry', code: 'invalid_expiry_month' };
  const now = new Date();
  const last = (2000 + Number(expiry.slice(2, 4))) * 12 + month - 1;
  if (last < now.getFullYear() * 12 + now.getMonth()) return { name: 'expiry', code: 'invalid_expiry_year_past' };
  if (digits('cvc').length < (isAmex() ? 4 : 3)) return { name: 'cvc', code: 'incomplete_cvc' };
  return null;
}

/** @param {ReturnType<typeof problem>} found */
function show(found) {
  for (const name of NAMES) {
    const wrong = found?.name === name;
    if (wrong) inputs[name].setAttribute('aria-invalid', 'true');
    else inputs[name].removeAttribute('aria-invalid');
    part(`${name}-error`, HTMLParagraphElement).textContent = wrong && found ? word(found.code) : '';
  }
  spoken.textContent = found ? word(found.code) : '';
}

function changed() {
  const card = chosen() === 'card';
  cardFields.hidden = !card;
  note.hidden = card;
  tell('change', {
    complete: !card || problem() === null,
    empty: card && NAMES.every((name) => digits(name) === ''),
    method: chosen(),
  });
}

/** Groups are made when a field is left, so that the caret never jumps while somebody types. */
function tidy() {
  const number = digits('number');
  if (number) inputs.number.value = (isAmex() ? /(\d{1,4})(\d{1,6})?(\d+)?/ : /(\d{1,4})(\d{1,4})?(\d{1,4})?(\d+)?/)
    .exec(number)?.slice(1).filter(Boolean).join(' ') ?? number;
  const expiry = digits('expiry');
  if (expiry.length > 2) inputs.expiry.value = `${expiry.slice(0, 2)} / ${expiry.slice(2, 4)}`;
}

form.addEventListener('input', () => { show(null); changed(); });
form.addEventListener('change', tidy);
form.addEventListener('submit', (event) => event.preventDefault());

listen({
  setup: (/** @type {import('./frame.js').Setup} */ setup) => {
    methods.hidden = !setup.methods?.includes('revolut_pay');
    for (const input of Object.values(inputs)) input.readOnly = setup.options.readOnly === true;
  },
  submit: () => {
    const found = chosen() === 'card' ? problem() : null;
    show(found);
    if (found === null) return { selectedPaymentMethod: chosen() };
    inputs[found.name].focus();
    return { error: { type: 'validation_error', code: found.code, message: word(found.code) } };
  },
  method: (message) => {
    const common = { billing_details: message.billingDetails };
    if (chosen() !== 'card') return makeMethod({ ...common, type: chosen() });
    const expiry = digits('expiry');
    const card = { number: digits('number'), exp_month: expiry.slice(0, 2), exp_year: expiry.slice(2, 4), cvc: digits('cvc') };
    return makeMethod({ ...common, type: 'card', card });
  },
  focus: () => {
    const radio = form.querySelector('input[name=method]:checked');
    if (chosen() === 'card') inputs.number.focus();
    else if (radio instanceof HTMLInputElement) radio.focus();
  },
  blur: () => { if (document.activeElement instanceof HTMLElement) document.activeElement.blur(); },
  clear: () => { form.reset(); show(null); changed(); },
});
