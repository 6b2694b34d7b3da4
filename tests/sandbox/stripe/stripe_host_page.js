// What a kiosk page does, with every result and event written where a test can read it.
const query = new URLSearchParams(location.search);
const options = JSON.parse(query.get('options') ?? '{}');
const show = (text) => { document.getElementById('result').textContent = text; };
const note = (event) => { document.getElementById('events').textContent += `${JSON.stringify(event)}\n`; };
const of = (error) => [error.type, error.code, error.decline_code].filter(Boolean).join('/');
const stripe = window.Stripe('pk_test_sandbox', { stripeAccount: query.get('account') ?? 'acct_site', locale: options.locale ?? 'en' });
const returned = query.get('payment_intent_client_secret');
const secret = returned ?? query.get('secret');
const back = new URL('/', location.href).href;
Object.assign(window, { stripe, secret, back });

if (returned) {
  const { paymentIntent, error } = await stripe.retrievePaymentIntent(returned);
  show(`${query.get('redirect_status')} ${paymentIntent?.status ?? of(error)}`);
} else {
  const elements = stripe.elements({ clientSecret: secret, appearance: options.appearance });
  const payment = elements.create('payment', { layout: 'tabs' });
  const express = elements.create('expressCheckout', options.express);
  let confirmed = null;
  const pay = async () => {
    show('paying');
    const submitted = await elements.submit();
    if (submitted.error) return show(of(submitted.error));
    const confirmParams = { return_url: back };
    const { paymentIntent, error } = await stripe.confirmPayment({ elements, confirmParams, redirect: options.redirect ?? 'if_required' });
    if (error) confirmed?.paymentFailed({ reason: 'fail' });
    return show(error ? of(error) : paymentIntent.status);
  };
  for (const name of ['ready', 'change', 'loaderror', 'focus', 'blur', 'escape', 'loaderstart']) payment.on(name, (event) => note({ name, ...event }));
  for (const name of ['ready', 'loaderror', 'cancel']) express.on(name, (event) => note({ name, ...event }));
  express.on('click', (event) => { note({ name: 'click', type: event.expressPaymentType }); if (!options.ignoreClick) event.resolve(); });
  express.on('confirm', (event) => { note({ name: 'confirm', type: event.expressPaymentType }); confirmed = event; return pay(); });
  document.getElementById('form').addEventListener('submit', (event) => { event.preventDefault(); return pay(); });
  Object.assign(window, { elements, payment, express });
  express.mount('#express');
  payment.mount('#payment');
}
