// @ts-check
/**
 * The pay page: loads Stripe's script, mounts wallets and card fields, and asks for the hold. What the browser hears is
 * for the driver only; the kiosk asks the back office before anything starts.
 */

import { DARK, appearance } from './pay-looks.js';
import { limit, speak } from '../shared/swap.js';

/**
 * @typedef {import('@stripe/stripe-js').Stripe} Stripe
 * @typedef {import('@stripe/stripe-js').StripeElements} Elements
 * @typedef {import('@stripe/stripe-js').StripeError} StripeError
 * @typedef {import('@stripe/stripe-js').StripeElementLocale} Locale
 * @typedef {import('@stripe/stripe-js').StripePaymentElementOptions} Options
 * @typedef {import('@stripe/stripe-js').StripeExpressCheckoutElementConfirmEvent} WalletConfirm
 * @typedef {{publishable_key: string, client_secret: string, account: string, return_url: string, locale: Locale,
 *   amount: number | null, currency: string | null}} Terms
 * @typedef {import('@stripe/stripe-js').PaymentIntent} Intent
 */

/** What stands on a wallet's button says by itself that it costs (rule CL-01). Apple has no "pay": "buy" is nearest. */
const OBLIGES = /** @type {const} */ ({ applePay: 'buy', googlePay: 'pay', paypal: 'pay' });
const LOAD_LIMIT = 10000;
const READY_LIMIT = 15000;
const ASK_AGAIN = 3000;
/** While the bank thinks, the kiosk is told to look at every tenth asking. */
const TELL_AGAIN = 10;
const UNVERIFIED = 'payment_intent_authentication_failure';
const PAID = new Set(['requires_capture', 'succeeded']);

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 */
function part(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

const box = part('pay', HTMLElement);
const form = part('payform', HTMLFormElement);
const button = part('paybtn', HTMLButtonElement);
const retry = part('payretry', HTMLButtonElement);
const problem = part('pay-err', HTMLElement);
const band = /** @type {HTMLElement} */ (document.querySelector('#main > .band'));
const heading = /** @type {HTMLElement} */ (band.querySelector('h1'));
const under = /** @type {HTMLElement} */ (band.querySelector('p'));
const words = box.dataset;
/** The bay and its charger: the line of the band while nothing is known of a payment. */
const where = words.where ?? '';
/** A screen that all drivers share: nothing that needs a device or an account of the driver's own. */
const cardsOnly = 'cardsOnly' in words;
const label = button.textContent ?? '';

/** @type {Stripe | null} */
let stripe = null;
/** @type {Elements | null} */
let elements = null;
/** @type {Terms | null} */
let terms = null;
let busy = false;
let over = false;
/** The way of paying that is chosen in Stripe's fields, in Stripe's words. */
let way = 'card';
/** The card fields can be used. */
let fit = false;
/** The form did not come, and loading it again is offered. */
let lost = false;
/** Which loading of the form counts. */
let turn = 0;
let timer = 0;

/** The form is there, or what became of it is said here: the page itself need not say that nothing came. */
function answered() {
  box.querySelector('.late')?.remove();
  for (const place of box.querySelectorAll('.until')) place.classList.remove('until');
}

/** @param {string} text */
function say(text) {
  if (text) answered();
  const place = problem.querySelector('span');
  if (place) place.textContent = text;
  problem.hidden = text === '';
}

/**
 * The state is the headline: in the band, at its old place.
 * The button stays under the thumb, however many lines that takes.
 * @param {'pay' | 'declined' | 'unsure'} state
 * @param {string} line
 */
function head(state, line) {
  const face = part(`band-${state}`, HTMLTemplateElement);
  const before = button.getBoundingClientRect().top;
  band.dataset.tone = face.dataset.tone;
  heading.replaceChildren(face.content.cloneNode(true));
  under.textContent = line;
  document.title = face.dataset.title ?? '';
  const or = document.getElementById('or');
  if (or) or.textContent = face.dataset.or ?? '';
  window.scrollBy({ top: button.getBoundingClientRect().top - before, behavior: 'instant' });
}

/**
 * What became of the money, why, and what to do: in the band, and where that cannot be seen now, at the button.
 * @param {'declined' | 'unsure'} state
 * @param {string} line
 */
function tell(state, line) {
  answered();
  head(state, line);
  const text = `${heading.textContent?.trim()}. ${line}`;
  const { top, bottom } = heading.getBoundingClientRect();
  const seen = top >= 0 && bottom <= window.innerHeight;
  say(text);
  problem.hidden = seen;
  if (seen) speak(text);
  else problem.scrollIntoView({ block: 'nearest', behavior: 'instant' });
}

/** A new attempt, or one that was never sent: nothing is known of it. */
function forget() {
  say('');
  if (band.dataset.tone !== 'calm') head('pay', where);
}

/** @param {boolean} on */
function working(on) {
  busy = on;
  button.disabled = on || over || !fit;
  retry.hidden = on || over || !lost;
  document.getElementById('payelsewhere')?.toggleAttribute('hidden', retry.hidden);
  button.textContent = on ? (words.tWait ?? '') : label;
  form.setAttribute('aria-busy', String(on));
  document.documentElement.toggleAttribute('data-paying', on);
}

/** Nothing more can be done here. @param {string} text */
function end(text) {
  over = true;
  working(false);
  say(text);
}

/**
 * The form is not there. During a payment that is not said, because it would hide what became of the payment.
 * @param {string | undefined} text
 */
function miss(text) {
  window.clearTimeout(timer);
  if (over) return;
  if (busy) {
    timer = window.setTimeout(() => miss(text), READY_LIMIT);
    return;
  }
  lost = true;
  working(false);
  say(text ?? '');
}

async function begin() {
  turn += 1;
  const mine = turn;
  fit = false;
  lost = false;
  way = 'card';
  typing(false);
  working(false);
  say('');
  const loading = script(words.js ?? '');
  // Waited for below; until then its failure is no error of the page.
  loading.catch(() => undefined);
  try {
    const headers = { Accept: 'application/json' };
    const answer = await fetch(words.pay ?? '', { headers, cache: 'no-store', signal: limit() });
    if (answer.status === 409 || answer.status === 403) {
      // It moved on meanwhile, or this is no longer the payer's browser.
      end(words.tOver ?? '');
      window.setTimeout(() => location.reload(), 2000);
      return;
    }
    if (!answer.ok) throw new Error('no terms');
    terms = /** @type {Terms} */ (await answer.json());
    const load = await loading;
    stripe = load(terms.publishable_key, { stripeAccount: terms.account, locale: terms.locale });
    mount(mine);
  } catch {
    if (mine === turn) miss(words.tLoad);
  }
}

/**
 * @param {string} source
 * @returns {Promise<NonNullable<typeof window.Stripe>>}
 */
function script(source) {
  if (window.Stripe) return Promise.resolve(window.Stripe);
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    const limit = window.setTimeout(() => fail(), LOAD_LIMIT);
    const fail = () => {
      window.clearTimeout(limit);
      element.remove();
      reject(new Error('the script did not load'));
    };
    element.src = source;
    element.onerror = fail;
    element.onload = () => {
      window.clearTimeout(limit);
      if (window.Stripe) resolve(window.Stripe);
      else fail();
    };
    document.head.append(element);
  });
}

/**
 * The fields are asked for while the payment is compared with the page, and shown when both are there.
 * @param {number} mine
 */
function mount(mine) {
  if (!stripe || !terms) return;
  const compared = compare(mine);
  const { locale } = terms;
  elements = stripe.elements({ clientSecret: terms.client_secret, appearance: appearance(), locale, loader: 'auto' });
  if (!cardsOnly) wallets(elements, mine, compared);
  const never = /** @type {const} */ ({ applePay: 'never', googlePay: 'never' });
  /** @type {Options} */
  const options = { layout: 'tabs', wallets: cardsOnly ? { ...never, link: 'never' } : never };
  if (cardsOnly) options.paymentMethodOrder = ['card'];
  const card = elements.create('payment', options);
  // Stripe's fields are frames of another site: what is typed there is seen by nobody but them.
  card.on('focus', () => typing(true));
  card.on('blur', () => typing(false));
  card.on('change', ({ value, empty }) => {
    alive();
    // What is typed there is lost with the page: the language menu says so before.
    document.getElementById('typed')?.toggleAttribute('hidden', empty);
    if (mine !== turn || value.type === way) return;
    way = value.type;
    if (!busy && !over) say(elsewhere() ? (words.tCards ?? '') : '');
  });
  card.on('ready', async () => {
    if (!(await compared) || mine !== turn || over) return;
    window.clearTimeout(timer);
    answered();
    show('cardbox', true);
    if (lost) say('');
    fit = true;
    lost = false;
    working(busy);
  });
  card.on('loaderror', ({ error }) => {
    if (mine === turn) miss(error.message ?? words.tLoad);
  });
  card.mount('#card');
}

/**
 * @param {number} mine
 * @returns {Promise<boolean>} it can be paid, and is what the page says or what the driver has read since
 */
async function compare(mine) {
  const limited = () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => miss(words.tLoad), READY_LIMIT);
  };
  limited();
  let payment = await intent();
  if (mine !== turn || over) return false;
  // Paid before this page was loaded again: never show the form a second time.
  if (payment && PAID.has(payment.status)) {
    done();
    return false;
  }
  if (payment?.status === 'requires_payment_method') last(payment);
  if (payment?.status === 'processing') {
    window.clearTimeout(timer);
    working(true);
    await find(null);
    if (over) return false;
    limited();
    payment = await intent();
    if (mine !== turn || over) return false;
  }
  if (!payment) {
    miss(words.tLoad);
    return false;
  }
  if (!(await asShown(payment)) || mine !== turn || over) return false;
  limited();
  return true;
}

/**
 * How the attempt before this page ended, after a bank's own page or when the page was loaded again.
 * @param {Intent} payment
 */
function last({ last_payment_error: error }) {
  if (error) tell('declined', `${(error.code === UNVERIFIED ? words.tVerify : words.tNo) ?? ''} ${words.tNext ?? ''}`);
  else if (band.dataset.tone === 'warn') forget();
}

/**
 * The payment itself says what will be held: it is compared with what stands on the page before any field is shown.
 * @param {Intent} payment
 * @returns {Promise<boolean>} it is as the page says, or the driver has read what it is
 */
async function asShown(payment) {
  window.clearTimeout(timer);
  if (payment.capture_method !== 'manual') {
    end(words.tTakes ?? '');
    return false;
  }
  if (!terms || (payment.amount === terms.amount && payment.currency.toUpperCase() === terms.currency)) return true;
  const amount = money(payment.amount, payment.currency);
  const before = terms.amount === null || terms.currency === null ? '?' : money(terms.amount, terms.currency);
  const place = part('differs', HTMLElement);
  const agreed = /** @type {HTMLButtonElement} */ (place.querySelector('button'));
  for (const one of place.querySelectorAll('[data-text]')) {
    const text = one instanceof HTMLElement ? (one.dataset.text ?? '') : '';
    one.textContent = text.replace('{amount}', amount).replace('{before}', before);
  }
  answered();
  place.hidden = false;
  agreed.hidden = false;
  box.classList.add('asks');
  await new Promise((resolve) => agreed.addEventListener('click', resolve, { once: true }));
  agreed.hidden = true;
  box.classList.remove('asks');
  return true;
}

/** As the page itself writes it. @param {number} minor @param {string} currency */
function money(minor, currency) {
  const form = new Intl.NumberFormat(part('differs', HTMLElement).dataset.locale, { style: 'currency', currency });
  return form.format(minor / 10 ** (form.resolvedOptions().maximumFractionDigits ?? 2));
}

/** Whoever types a card is still there: a site's screen must not go back to the bays. */
function alive() {
  document.dispatchEvent(new Event('kiosk:alive'));
}

/** The caret is in Stripe's fields, or has left them. @param {boolean} on */
function typing(on) {
  document.documentElement.toggleAttribute('data-typing', on);
  alive();
}

/** The chosen way of paying is not for this screen. */
const elsewhere = () => cardsOnly && way !== 'card';

/**
 * Never on a shared screen: a wallet belongs to the device that it is on.
 * @param {Elements} elements
 * @param {number} mine
 * @param {Promise<boolean>} compared
 */
function wallets(elements, mine, compared) {
  const wallet = elements.create('expressCheckout', { buttonHeight: 52, buttonType: OBLIGES });
  wallet.on('ready', async ({ availablePaymentMethods }) => {
    if (!(await compared) || mine !== turn || over) return;
    show('walletbox', availablePaymentMethods !== undefined);
    part('or', HTMLElement).classList.toggle('off', availablePaymentMethods === undefined);
  });
  wallet.on('click', (event) => event.resolve());
  wallet.on('confirm', (event) => {
    if (mine === turn) void pay(event);
    else event.paymentFailed({ reason: 'fail' });
  });
  wallet.on('loaderror', () => show('walletbox', false));
  wallet.mount('#wallet');
}

/**
 * The space was kept free from the start, so nothing moves.
 * @param {string} id
 * @param {boolean} mounted
 */
function show(id, mounted) {
  const place = part(id, HTMLElement);
  place.classList.toggle('on', mounted);
  const text = place.querySelector('p');
  if (text) text.hidden = mounted;
  if (!mounted && text?.dataset.none) text.textContent = text.dataset.none;
}

/** @param {WalletConfirm | null} wallet */
async function pay(wallet) {
  if (busy || over || !stripe || !elements || !terms) return;
  if (elsewhere()) {
    say(words.tCards ?? '');
    return;
  }
  working(true);
  forget();
  try {
    const { error: missing, selectedPaymentMethod: chosen } = await elements.submit();
    if (missing) {
      again(missing.message ?? '', wallet);
      return;
    }
    way = wallet ? way : (chosen ?? way);
    if (elsewhere()) {
      again(words.tCards ?? '', wallet);
      return;
    }
    const { error, paymentIntent } = await stripe.confirmPayment({
      elements,
      confirmParams: { return_url: terms.return_url },
      redirect: 'if_required',
    });
    if (error) await failed(error, wallet);
    else if (paymentIntent && PAID.has(paymentIntent.status)) done();
    else await find(wallet);
  } catch {
    await find(wallet);
  }
}

/**
 * @param {StripeError} error
 * @param {WalletConfirm | null} wallet
 */
async function failed(error, wallet) {
  switch (error.type) {
    case 'validation_error':
      again(error.message ?? '', wallet);
      return;
    case 'card_error':
      refuse(`${error.message ?? words.tNo ?? ''} ${words.tNext ?? ''}`, wallet);
      return;
    case 'api_connection_error':
    case 'api_error':
    case 'rate_limit_error':
      await find(wallet);
      return;
    default:
  }
  if (error.code === UNVERIFIED) refuse(`${words.tVerify ?? ''} ${words.tNext ?? ''}`, wallet);
  else if (error.code === 'payment_intent_unexpected_state') await find(wallet);
  else {
    wallet?.paymentFailed({ reason: 'fail' });
    end(words.tBroken ?? '');
  }
}

/**
 * Nothing was sent, because something is missing: it is said at the button, beside what is to be mended.
 * @param {string} text
 * @param {WalletConfirm | null} wallet
 */
function again(text, wallet) {
  wallet?.paymentFailed({ reason: 'fail' });
  working(false);
  say(text);
}

/**
 * Certain that nothing was held: it may be tried again.
 * @param {string} line why, and what to do
 * @param {WalletConfirm | null} wallet
 */
function refuse(line, wallet) {
  wallet?.paymentFailed({ reason: 'fail' });
  working(false);
  tell('declined', line);
  // The button that had the focus was switched off meanwhile: whoever uses keys goes on where the news is.
  (problem.hidden ? heading : button).focus({ preventScroll: true });
}

/**
 * Nobody knows yet. The payment itself is asked until it answers; until then nothing is said and nothing is offered.
 * @param {WalletConfirm | null} wallet
 */
async function find(wallet) {
  tell('unsure', words.tUnsure ?? '');
  let thinking = 0;
  for (;;) {
    const status = (await intent())?.status;
    if (status && PAID.has(status)) {
      done();
      return;
    }
    if (status === 'canceled') {
      wallet?.paymentFailed({ reason: 'fail' });
      end(words.tOver ?? '');
      return;
    }
    if (status === 'processing') {
      // The bank has not answered: neither paid nor free to be tried again.
      if (thinking % TELL_AGAIN === 0) confirm();
      thinking += 1;
    } else if (status) {
      refuse(thinking ? `${words.tVerify ?? ''} ${words.tNext ?? ''}` : (words.tRetry ?? ''), wallet);
      return;
    }
    await new Promise((resolve) => window.setTimeout(resolve, ASK_AGAIN));
  }
}

/** The payment in Stripe's words, or null when it cannot be read now. */
async function intent() {
  if (!stripe || !terms) return null;
  try {
    const { paymentIntent } = await stripe.retrievePaymentIntent(terms.client_secret);
    return paymentIntent ?? null;
  } catch {
    return null;
  }
}

/** The hold is there. */
function done() {
  window.clearTimeout(timer);
  over = true;
  working(true);
  answered();
  forget();
  const said = part('paysay', HTMLElement);
  said.textContent = words.tPaid ?? '';
  said.classList.add('sure');
  confirm();
}

/** The kiosk is told, which only makes it faster: it looks by itself too. */
function confirm() {
  const told = { method: 'POST', headers: { Accept: 'application/json' }, keepalive: true, signal: limit() };
  fetch(words.confirm ?? '', told)
    .then((answer) => answer.json())
    .then((state) => {
      if (state.screen && state.screen !== 'created') location.replace(document.getElementById('main')?.dataset.url ?? '');
    })
    .catch(() => undefined);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void pay(null);
});
retry.addEventListener('click', () => void begin());
DARK.addEventListener('change', () => elements?.update({ appearance: appearance() }));

void begin();
