// @ts-check
// Stands in for https://js.stripe.com/endive/stripe.js in demos and tests. No real payment is possible with it.
// Card fields live in a frame of this script's origin, as with the real one: the host page never sees a card.
// What the real one does and this one does not throws an IntegrationError.

/** @import { ConfirmPaymentData, ExpressPaymentType, PaymentIntent, PaymentIntentResult, Stripe, StripeConstructor,
 *    StripeConstructorOptions, StripeElements, StripeElementsOptionsClientSecret, StripeElementsUpdateOptions, StripeError,
 *    StripeExpressCheckoutElement, StripeExpressCheckoutElementClickEvent, StripeExpressCheckoutElementConfirmEvent,
 *    StripeExpressCheckoutElementReadyEvent, StripePaymentElement, StripePaymentElementChangeEvent } from '@stripe/stripe-js' */

(() => {
  'use strict';

  /** @typedef {{key: string, account: string | undefined, locale: string}} Session */
  /** @typedef {{id: string, error?: undefined} | {id?: undefined, error: StripeError}} Made */
  /** @typedef {{error: StripeError, selectedPaymentMethod?: undefined} | {selectedPaymentMethod: string, error?: undefined}} Submitted */
  /** @typedef {{elements: unknown, clientSecret?: unknown, confirmParams?: Partial<ConfirmPaymentData>, redirect?: string}} ConfirmOptions */
  /**
   * @typedef {object} Part What the group needs of an element behind its public face.
   * @property {() => boolean} active Whether a confirm now would pay with this element.
   * @property {() => Promise<Submitted>} submit
   * @property {(billingDetails: unknown) => Promise<Made>} method
   * @property {() => void} refresh After the group's options or the intent changed.
   * @property {(failed: boolean) => void} finish
   * @property {unknown} face
   */
  /** @typedef {{session: Session, secret: string, options: StripeElementsOptionsClientSecret, parts: Map<string, Part>}} Group */

  /** @param {string} message */
  function integrationError(message) {
    const error = new Error(message);
    error.name = 'IntegrationError';
    return error;
  }

  const script = document.currentScript;
  if (!(script instanceof HTMLScriptElement)) throw integrationError('Stripe.js must be loaded by a script element.');
  const address = new URL(script.src);
  const ORIGIN = address.origin;
  const BASE = ORIGIN + address.pathname.replace(/\/(v3\/?|[a-z]+\/stripe\.js)$/, '');
  const AT_STRIPE = address.hostname === 'js.stripe.com'; // answered from the sandbox at the browser's edge
  const API = AT_STRIPE ? 'https://api.stripe.com' : BASE;
  const PAGES = AT_STRIPE ? 'https://hooks.stripe.com' : ORIGIN;

  /**
   * Anything that is not in `done` throws, so that nobody builds on what the stand-in cannot show.
   * @template {object} T
   * @param {string} name
   * @param {T} done
   */
  function guarded(name, done) {
    return new Proxy(done, {
      get(target, key, receiver) {
        // Promises, loggers and Stripe's own loader probe these; the real object lacks them or keeps them to itself.
        const probe = typeof key === 'symbol' || key === 'then' || key === 'toJSON' || key.startsWith('_');
        if (!(key in target) && !probe) throw integrationError(`The sandbox stand-in has no ${name}.${String(key)}.`);
        return Reflect.get(target, key, receiver);
      },
    });
  }

  /**
   * @param {object} given
   * @param {string[]} known
   * @param {string} where
   */
  function allowOnly(given, known, where) {
    const other = Object.keys(given).find((name) => !known.includes(name));
    if (other !== undefined) throw integrationError(`The sandbox stand-in does not do ${where}: ${other}.`);
  }

  /** @param {unknown} secret */
  function intentId(secret) {
    const match = /^(pi_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+$/.exec(String(secret));
    if (match) return match[1];
    throw integrationError('Invalid value for clientSecret: it should have the form ${id}_secret_${secret}.');
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
    return form;
  }

  /**
   * @param {Session} session
   * @param {'GET' | 'POST'} method
   * @param {string} path
   * @param {Record<string, unknown>} fields
   * @returns {Promise<PaymentIntentResult>}
   */
  async function call(session, method, path, fields) {
    const form = flatten({ key: session.key, _stripe_account: session.account, ...fields }, '', new URLSearchParams());
    const headers = { 'Accept-Language': session.locale === 'auto' ? navigator.language : session.locale };
    try {
      const answer = await fetch(API + path + (method === 'GET' ? `?${form}` : ''), { method, headers, body: method === 'GET' ? null : form });
      const content = await answer.json();
      return answer.ok ? { paymentIntent: content } : { error: content.error };
    } catch {
      const message = 'We are experiencing issues connecting to our payments provider. You have not been charged. '
        + 'Please check your internet connection and try again.'; // Stripe's words, true or not: a page must look for itself
      return { error: { type: 'api_connection_error', message } };
    }
  }

  /**
   * @param {Session} session
   * @param {string} secret
   */
  const retrieve = (session, secret) => call(session, 'GET', `/v1/payment_intents/${intentId(secret)}`, { client_secret: secret });

  /** @param {string[]} names the events that the element has */
  function bell(names) {
    /** @type {Map<string, Set<(event: any) => unknown>>} */
    const handlers = new Map(names.map((name) => [name, new Set()]));
    /** @param {string} name */
    const of = (name) => {
      const found = handlers.get(name);
      if (found === undefined) throw integrationError(`The sandbox stand-in never sends the event "${name}".`);
      return found;
    };
    return {
      has: (/** @type {string} */ name) => of(name).size > 0,
      ring: (/** @type {string} */ name, /** @type {unknown} */ event) => [...of(name)].forEach((handler) => handler(event)),
      on: (/** @type {string} */ name, /** @type {(event: any) => unknown} */ handler) => { of(name).add(handler); },
      once: (/** @type {string} */ name, /** @type {(event: any) => unknown} */ handler) => {
        const first = (/** @type {any} */ event) => { of(name).delete(first); handler(event); };
        of(name).add(first);
      },
      off: (/** @type {string} */ name, /** @type {((event: any) => unknown) | undefined} */ handler) => {
        if (handler) of(name).delete(handler);
        else of(name).clear();
      },
    };
  }

  /**
   * The frame of one element: mounting, its height, questions to it and what it reports.
   * @param {Group} group
   * @param {'payment' | 'expressCheckout'} type
   * @param {Record<string, any>} options
   * @param {ReturnType<typeof bell>} events
   * @param {(kind: string, message: any) => void} report
   */
  function elementFrame(group, type, options, events, report) {
    /** @type {HTMLIFrameElement | null} */
    let frame = null;
    let isReady = false;
    let destroyed = false;
    let questions = 0;
    /** @type {Map<number, (result: any) => void>} */
    const asked = new Map();

    const say = (/** @type {Record<string, unknown>} */ message) => frame?.contentWindow?.postMessage(message, ORIGIN);
    const locale = () => group.options.locale ?? group.session.locale;

    async function setUp() {
      const { paymentIntent, error } = await retrieve(group.session, group.secret);
      if (frame === null) return;
      if (error) return events.ring('loaderror', { elementType: type, error });
      const { key, account } = group.session;
      const setup = { key, account, locale: locale(), appearance: group.options.appearance ?? {}, methods: paymentIntent.payment_method_types, options };
      say({ kind: 'setup', setup: JSON.parse(JSON.stringify(setup)) });
    }

    /** @param {MessageEvent} event */
    function hear(event) {
      if (frame === null || event.source !== frame.contentWindow || event.origin !== ORIGIN) return;
      const { kind, ...message } = event.data;
      if (kind === 'loaded') void setUp();
      else if (kind === 'height') frame.style.height = `${Math.ceil(message.height)}px`;
      else if (kind === 'answer') {
        asked.get(message.question)?.(message.result);
        asked.delete(message.question);
      } else if (kind === 'focus' || kind === 'blur' || kind === 'escape') events.ring(kind, { elementType: type });
      else {
        if (kind === 'ready') isReady = true;
        report(kind, message);
      }
    }

    function unmount() {
      frame?.remove();
      frame = null;
      isReady = false;
      window.removeEventListener('message', hear);
    }

    /** @param {string | HTMLElement} target */
    function mount(target) {
      if (destroyed) throw integrationError('This Element has already been destroyed. Please create a new one.');
      if (frame !== null) throw integrationError('This Element is already mounted. Use `unmount()` to unmount the Element before re-mounting.');
      const place = typeof target === 'string' ? document.querySelector(target) : target;
      if (!(place instanceof HTMLElement)) throw integrationError(`The selector you specified (${target}) applies to no DOM elements that are currently on the page.`);
      const query = new URLSearchParams({ type, host: location.origin, locale: locale() });
      frame = document.createElement('iframe');
      frame.src = `${BASE}/sandbox/element?${query}`;
      frame.title = type === 'payment' ? 'Secure payment input frame' : 'Secure express checkout frame';
      Object.assign(frame.style, { border: '0', display: 'block', width: '100%', height: type === 'payment' ? '16rem' : '6rem' });
      window.addEventListener('message', hear);
      if (type === 'payment') events.ring('loaderstart', { elementType: type });
      place.replaceChildren(frame);
    }

    /**
     * @param {string} kind
     * @param {Record<string, unknown>} [more]
     * @returns {Promise<any>}
     */
    const ask = (kind, more) => new Promise((resolve) => {
      questions += 1;
      asked.set(questions, resolve);
      say({ kind, question: questions, ...more });
    });

    const destroy = () => { unmount(); destroyed = true; group.parts.delete(type); };
    const order = (/** @type {string} */ kind) => () => {
      if (!isReady) throw integrationError(`Please wait for the ready event before calling ${kind}() on the Element.`);
      say({ kind });
    };
    const base = { mount, unmount, destroy, focus: order('focus'), blur: order('blur'), clear: order('clear') };
    return { base, ask, say, refresh: () => { if (isReady) void setUp(); }, ready: () => isReady };
  }

  /**
   * @param {Group} group
   * @param {Record<string, any>} options
   * @returns {Part}
   */
  function paymentPart(group, options) {
    const events = bell(['ready', 'change', 'focus', 'blur', 'escape', 'loaderror', 'loaderstart']);
    const frame = elementFrame(group, 'payment', options, events, (kind, message) => {
      if (kind === 'ready') events.ring('ready', { elementType: 'payment' });
      else if (kind === 'change') {
        const { complete, empty, method } = message;
        /** @type {StripePaymentElementChangeEvent} */
        const event = { elementType: 'payment', collapsed: false, complete, empty, value: { type: method } };
        events.ring('change', event);
      }
    });
    /** @type {StripePaymentElement} */
    const face = guarded('PaymentElement', {
      ...frame.base,
      on: (name, handler) => { events.on(name, handler); return face; },
      once: (/** @type {string} */ name, /** @type {(event: any) => unknown} */ handler) => { events.once(name, handler); return face; },
      off: (/** @type {string} */ name, /** @type {((event: any) => unknown) | undefined} */ handler) => { events.off(name, handler); return face; },
      update: (changes) => { Object.assign(options, changes); frame.refresh(); return face; },
      collapse: () => { throw integrationError('The sandbox stand-in does not collapse.'); },
    });
    return {
      face,
      active: frame.ready,
      submit: () => frame.ask('submit'),
      method: (billingDetails) => frame.ask('method', { billingDetails }),
      refresh: frame.refresh,
      finish: () => undefined,
    };
  }

  /** What Google lets stand on its button. */
  const LABELS = new Set(['book', 'buy', 'checkout', 'donate', 'order', 'pay', 'plain', 'subscribe']);

  /**
   * @param {Group} group
   * @param {Record<string, any>} options
   * @returns {Part}
   */
  function expressPart(group, options) {
    const elementType = /** @type {const} */ ('expressCheckout');
    /** @type {ExpressPaymentType} */
    const expressPaymentType = 'google_pay';
    const label = options.buttonType?.googlePay;
    if (label !== undefined && !LABELS.has(label)) {
      throw integrationError(`Invalid value for create('expressCheckout'): buttonType.googlePay should be one of: ${[...LABELS].join(', ')}.`);
    }
    const shown = (options.paymentMethods?.googlePay ?? options.wallets?.googlePay ?? 'auto') !== 'never';
    const events = bell(['ready', 'click', 'confirm', 'cancel', 'focus', 'blur', 'escape', 'loaderror']);
    let approved = false;

    function clicked() {
      let settled = false;
      const settle = (/** @type {() => void} */ then) => () => { if (!settled) { settled = true; then(); } };
      const resolve = settle(() => frame.say({ kind: 'open' }));
      const reject = settle(() => events.ring('cancel', { elementType }));
      if (!events.has('click')) return resolve();
      setTimeout(settle(() => console.error('[sandbox Stripe.js] event.resolve() must be called within 1 second of the click event.')), 1000);
      /** @type {StripeExpressCheckoutElementClickEvent} */
      const event = { elementType, expressPaymentType, resolve, reject };
      return events.ring('click', event);
    }

    /** @param {boolean} failed */
    function finish(failed) {
      if (approved) frame.say({ kind: 'finish', failed });
      approved = false;
    }

    const frame = elementFrame(group, elementType, options, events, (kind) => {
      if (kind === 'ready') {
        const none = { amazonPay: false, applePay: false, klarna: false, link: false, paypal: false };
        /** @type {StripeExpressCheckoutElementReadyEvent} */
        const event = { elementType, availablePaymentMethods: shown ? { ...none, googlePay: true } : undefined };
        events.ring('ready', event);
      } else if (kind === 'clicked') clicked();
      else if (kind === 'dismissed') events.ring('cancel', { elementType });
      else if (kind === 'approved') {
        approved = true;
        /** @type {StripeExpressCheckoutElementConfirmEvent} */
        const event = { expressPaymentType, paymentFailed: () => finish(true) };
        events.ring('confirm', event);
      }
    });
    /** @type {StripeExpressCheckoutElement} */
    const face = guarded('ExpressCheckoutElement', {
      ...frame.base,
      on: (/** @type {string} */ name, /** @type {(event: any) => unknown} */ handler) => { events.on(name, handler); return face; },
      once: (/** @type {string} */ name, /** @type {(event: any) => unknown} */ handler) => { events.once(name, handler); return face; },
      off: (/** @type {string} */ name, /** @type {((event: any) => unknown) | undefined} */ handler) => { events.off(name, handler); return face; },
      update: (changes) => { Object.assign(options, changes); frame.refresh(); return face; },
    });
    return {
      face,
      active: () => approved,
      submit: () => Promise.resolve({ selectedPaymentMethod: expressPaymentType }),
      method: (billingDetails) => frame.ask('method', { billingDetails }),
      refresh: frame.refresh,
      finish,
    };
  }

  /** @type {WeakMap<object, Group>} */
  const groups = new WeakMap();
  const MAKERS = { payment: paymentPart, expressCheckout: expressPart };

  /** @param {Group} group */
  function payingPart(group) {
    const parts = [group.parts.get('expressCheckout'), group.parts.get('payment')];
    const found = parts.find((part) => part?.active());
    if (found) return found;
    throw integrationError('Invalid value for elements: at least one mounted and ready Payment or Express Checkout Element is needed.');
  }

  /**
   * @param {Session} session
   * @param {StripeElementsOptionsClientSecret} [given]
   * @returns {StripeElements}
   */
  function makeElements(session, given) {
    const options = { ...given };
    allowOnly(options, ['clientSecret', 'appearance', 'locale', 'fonts', 'loader'], 'the Elements option');
    const secret = options.clientSecret ?? '';
    intentId(secret);
    /** @type {Group} */
    const group = { session, secret, options, parts: new Map() };
    const events = bell(['update-end']);

    /**
     * @param {string} type
     * @param {Record<string, any>} [more]
     */
    function create(type, more) {
      const make = MAKERS[/** @type {keyof typeof MAKERS} */ (type)];
      if (make === undefined) throw integrationError(`The sandbox stand-in has no Element of type "${type}".`);
      if (group.parts.has(type)) throw integrationError(`Can only create one Element of type ${type} through elements.create().`);
      const part = make(group, { ...more });
      group.parts.set(type, part);
      return part.face;
    }

    /** @param {StripeElementsUpdateOptions} changes */
    async function update(changes) {
      allowOnly(changes, ['appearance', 'locale', 'fonts'], 'an update of');
      Object.assign(options, changes);
      group.parts.forEach((part) => part.refresh());
      events.ring('update-end', undefined);
    }

    async function fetchUpdates() {
      const { error } = await retrieve(session, secret);
      if (error) return { error: { message: error.message ?? '' } };
      group.parts.forEach((part) => part.refresh());
      return {};
    }

    const done = guarded('elements', {
      // Stripe declares one overload for each of its thirty elements; these two functions do two and throw for the rest.
      create: /** @type {StripeElements['create']} */ (/** @type {unknown} */ (create)),
      getElement: /** @type {StripeElements['getElement']} */ ((/** @type {string} */ type) => group.parts.get(type)?.face ?? null),
      update,
      fetchUpdates,
      submit: async () => payingPart(group).submit(),
      on: events.on,
    });
    groups.set(done, group);
    return done;
  }

  /**
   * Show the 3-D Secure page above everything else until it is answered. Escape refuses, it does not trap.
   * @param {Session} session
   * @param {string} url
   * @returns {Promise<void>}
   */
  function challenge(session, url) {
    const page = new URL(url);
    if (page.origin !== PAGES) throw integrationError('The challenge is not on an address of the sandbox.');
    page.search = String(new URLSearchParams({ host: location.origin, locale: session.locale }));
    const dialog = document.createElement('dialog');
    const frame = document.createElement('iframe');
    frame.src = page.href;
    frame.title = 'Verification challenge';
    dialog.setAttribute('aria-label', frame.title);
    Object.assign(dialog.style, { border: '0', padding: '0', width: 'min(26rem, 94vw)', maxWidth: '94vw' });
    Object.assign(frame.style, { border: '0', display: 'block', width: '100%', height: 'min(26rem, 80vh)' });
    dialog.tabIndex = -1;
    dialog.append(frame);
    let listens = false; // whether the script of the frame does
    let refused = false;
    const refuse = () => frame.contentWindow?.postMessage({ kind: 'refuse' }, PAGES);
    return new Promise((resolve) => {
      /** @param {MessageEvent} event */
      function hear(event) {
        const isDone = event.source === frame.contentWindow && event.origin === PAGES && event.data?.kind === 'challenge-done';
        if (isDone) dialog.close();
      }
      // Also when somebody closes it because the frame never loaded: the intent then tells how it stands.
      dialog.addEventListener('close', () => {
        window.removeEventListener('message', hear);
        dialog.remove();
        resolve();
      });
      window.addEventListener('message', hear);
      dialog.addEventListener('cancel', (event) => {
        event.preventDefault();
        refused = true;
        if (listens) refuse();
      });
      document.body.append(dialog);
      dialog.showModal();
      dialog.focus(); // a key in a frame that does not listen yet would be lost
      frame.addEventListener('load', () => {
        listens = true;
        frame.focus();
        if (refused) refuse(); // somebody was quicker than the frame
      });
    });
  }

  /** @param {string} url */
  function leave(url) {
    window.location.assign(url);
    return new Promise(() => undefined); // the page is going away, as with Stripe
  }

  /**
   * Follow the intent to its end: challenge, redirect, result.
   * @param {Session} session
   * @param {string} secret
   * @param {PaymentIntent} intent
   * @returns {Promise<PaymentIntentResult>}
   */
  async function follow(session, secret, intent) {
    if (intent.status !== 'requires_action') return { paymentIntent: intent };
    const action = intent.next_action;
    if (action?.redirect_to_url?.url) return leave(`${action.redirect_to_url.url}?locale=${encodeURIComponent(session.locale)}`);
    // Stripe's types leave this object open; the address in it is the stand-in's own.
    const sdk = /** @type {{stripe_js: string} | undefined} */ (action?.use_stripe_sdk);
    if (sdk === undefined) throw integrationError('The sandbox stand-in cannot do this next action.');
    await challenge(session, sdk.stripe_js);
    const { paymentIntent, error } = await retrieve(session, secret);
    if (error) return { error };
    const refused = paymentIntent.last_payment_error;
    if (paymentIntent.status === 'requires_payment_method' && refused) return { error: { ...refused, payment_intent: paymentIntent } };
    return { paymentIntent };
  }

  /**
   * @param {Session} session
   * @param {Group} group
   * @param {Partial<ConfirmPaymentData>} params
   * @returns {Promise<PaymentIntentResult>}
   */
  async function pay(session, group, params) {
    const part = payingPart(group);
    const { payment_method_data: data, ...rest } = params;
    const submitted = await part.submit();
    if (submitted.error) return { error: submitted.error };
    const made = await part.method(data?.billing_details);
    if (made.error) return { error: made.error };
    const fields = { ...rest, client_secret: group.secret, payment_method: made.id, use_stripe_sdk: true };
    const first = await call(session, 'POST', `/v1/payment_intents/${intentId(group.secret)}/confirm`, fields);
    const result = first.error ? first : await follow(session, group.secret, first.paymentIntent);
    part.finish(result.error !== undefined);
    return result;
  }

  /**
   * @param {Session} session
   * @param {ConfirmOptions} options
   * @returns {Promise<PaymentIntentResult>}
   */
  async function confirmPayment(session, options) {
    const { elements, confirmParams = {}, redirect = 'always' } = options ?? {};
    allowOnly(options ?? {}, ['elements', 'confirmParams', 'redirect'], 'the confirmPayment() option');
    allowOnly(confirmParams, ['return_url', 'receipt_email', 'payment_method_data'], 'the confirmParams option');
    const group = elements instanceof Object ? groups.get(elements) : undefined;
    if (group === undefined) throw integrationError('Invalid value for stripe.confirmPayment(): elements should be an Elements object.');
    if (redirect !== 'always' && redirect !== 'if_required') throw integrationError(`Invalid value for redirect: ${redirect}.`);
    const back = confirmParams.return_url;
    if (redirect === 'always' && !back) throw integrationError("The `confirmParams.return_url` argument is required unless passing redirect: 'if_required'.");
    const result = await pay(session, group, confirmParams);
    if (result.error || redirect === 'if_required' || back === undefined) return result;
    const url = new URL(back);
    url.searchParams.set('payment_intent', result.paymentIntent.id);
    url.searchParams.set('payment_intent_client_secret', group.secret);
    url.searchParams.set('redirect_status', 'succeeded');
    return leave(url.href);
  }

  /** @typedef {'elements' | 'confirmPayment' | 'retrievePaymentIntent' | 'handleNextAction' | 'registerAppInfo'} Done */

  /**
   * @param {string} key
   * @param {StripeConstructorOptions} [options]
   * @returns {Stripe}
   */
  function construct(key, options = {}) {
    if (/^[spr]k_live_/.test(key)) throw integrationError('This is a sandbox. It refuses live keys: nothing here may touch real money.');
    if (!/^pk_test_/.test(key)) throw integrationError('Please call Stripe() with your publishable key. You used an empty, secret or unknown one.');
    allowOnly(options, ['stripeAccount', 'locale', 'apiVersion', 'developerTools'], 'the Stripe() option');
    /** @type {Session} */
    const session = { key, account: options.stripeAccount, locale: options.locale ?? 'auto' };
    /** @type {Pick<Stripe, Done>} */
    const done = {
      // Only intents that exist: the overload with a `mode` instead of a client secret throws.
      elements: /** @type {Stripe['elements']} */ ((/** @type {StripeElementsOptionsClientSecret} */ given) => makeElements(session, given)),
      // With redirect 'always' a success never returns; one function serves all of Stripe's overloads.
      confirmPayment: /** @type {Stripe['confirmPayment']} */ ((/** @type {ConfirmOptions} */ given) => confirmPayment(session, given)),
      retrievePaymentIntent: (secret) => retrieve(session, secret),
      handleNextAction: /** @type {Stripe['handleNextAction']} */ (async (/** @type {{clientSecret: string}} */ given) => {
        const found = await retrieve(session, given.clientSecret);
        return found.error ? found : follow(session, given.clientSecret, found.paymentIntent);
      }),
      registerAppInfo: () => undefined,
    };
    // The stand-in does less than Stripe on purpose: whatever is not in `Done` throws.
    return /** @type {Stripe} */ (guarded('stripe', done));
  }

  /** @type {StripeConstructor} */
  const standIn = construct;
  window.Stripe = standIn;
})();
