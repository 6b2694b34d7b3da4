// @ts-check
// What every frame of the stand-in shares: talking to the page that holds it, its looks and its language.

/**
 * @typedef {object} Setup What the host page's script sends first, and again after an update.
 * @property {string} key
 * @property {string | undefined} account
 * @property {string} locale
 * @property {import('@stripe/stripe-js').Appearance} appearance
 * @property {string[]} methods
 * @property {Record<string, any>} options
 */

const body = document.body;
const HOST = body.dataset.host ?? '';
const API = body.dataset.api ?? '';
/** @type {Record<string, Record<string, string>>} */
const WORDS = JSON.parse(body.dataset.words ?? '{}');

const VARIABLES = /** @type {const} */ ({
  colorPrimary: '--primary',
  colorBackground: '--ground',
  colorText: '--ink',
  colorDanger: '--danger',
  borderRadius: '--radius',
  fontSizeBase: '--size',
  fontFamily: '--font',
});

/** @type {Setup | null} */
let setup = null;

/**
 * An element of this frame's own page, which is always there.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 */
export function part(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no #${id}`);
  return found;
}

/**
 * Send to the host page, and to no other origin.
 * @param {string} kind
 * @param {Record<string, unknown>} [more]
 */
export function tell(kind, more) {
  window.parent.postMessage({ kind, ...more }, HOST);
}

/** @param {string} key */
export function word(key) {
  return WORDS[document.documentElement.lang]?.[key] ?? key;
}

/** @param {string} locale */
function speak(locale) {
  const language = locale.toLowerCase().split('-')[0];
  document.documentElement.lang = language in WORDS ? language : 'en';
  for (const each of document.querySelectorAll('[data-say]')) {
    if (each instanceof HTMLElement) each.textContent = word(each.dataset.say ?? '');
  }
  for (const each of document.querySelectorAll('[data-hint]')) {
    if (each instanceof HTMLInputElement) each.placeholder = word(each.dataset.hint ?? '');
  }
  document.title = word('title');
}

/** @param {import('@stripe/stripe-js').Appearance} appearance */
function dress(appearance) {
  const root = document.documentElement;
  root.dataset.theme = appearance.theme ?? 'stripe';
  for (const [name, property] of Object.entries(VARIABLES)) {
    const value = appearance.variables?.[/** @type {keyof typeof VARIABLES} */ (name)];
    if (value) root.style.setProperty(property, value);
    else root.style.removeProperty(property);
  }
}

/**
 * Make a payment method at the stand-in, so that card details never pass through the host page.
 * @param {Record<string, unknown>} fields
 */
export async function makeMethod(fields) {
  if (setup === null) throw new Error('not set up');
  const form = new URLSearchParams({ key: setup.key });
  if (setup.account) form.set('_stripe_account', setup.account);
  flatten(fields, '', form);
  try {
    const headers = { 'Accept-Language': document.documentElement.lang };
    const answer = await fetch(`${API}/v1/payment_methods`, { method: 'POST', body: form, headers });
    const content = await answer.json();
    return answer.ok ? { id: content.id } : { error: content.error };
  } catch {
    return { error: { type: 'api_connection_error', message: 'We are experiencing issues connecting to our payments provider.' } };
  }
}

/**
 * @param {Record<string, unknown>} fields
 * @param {string} path
 * @param {URLSearchParams} form
 */
function flatten(fields, path, form) {
  for (const [name, value] of Object.entries(fields)) {
    const where = path ? `${path}[${name}]` : name;
    if (value === undefined || value === null) continue;
    if (typeof value === 'object') flatten(/** @type {Record<string, unknown>} */ (value), where, form);
    else form.append(where, String(value));
  }
}

/**
 * Listen to the host page. `setup` is handled here first; a handler's result is the answer to a question.
 * @param {Record<string, (message: any) => unknown>} handlers
 */
export function listen(handlers) {
  window.addEventListener('message', async (event) => {
    if (event.source !== window.parent || event.origin !== HOST) return;
    const message = event.data;
    if (message?.kind === 'setup') {
      const first = setup === null;
      setup = /** @type {Setup} */ (message.setup);
      dress(setup.appearance);
      speak(setup.locale === 'auto' ? navigator.language : setup.locale);
      handlers.setup?.(setup);
      if (first) tell('ready');
      return;
    }
    const handler = handlers[message?.kind];
    if (handler === undefined || setup === null) return;
    const result = await handler(message);
    if (message.question !== undefined) tell('answer', { question: message.question, result });
  });
  // Without a related target the focus came from, or went to, something outside this frame.
  document.addEventListener('focusin', (event) => { if (!event.relatedTarget) tell('focus'); });
  document.addEventListener('focusout', (event) => { if (!event.relatedTarget) tell('blur'); });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') tell('escape');
  });
  new ResizeObserver(() => tell('height', { height: body.offsetHeight })).observe(body);
  tell('loaded');
}
