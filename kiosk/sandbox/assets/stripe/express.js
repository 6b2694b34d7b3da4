// @ts-check
// The frame of the Express Checkout Element: one wallet button, and its question inside the same frame.
import { listen, makeMethod, part, tell, word } from './frame.js';

const button = part('open', HTMLButtonElement);
const sheet = part('sheet', HTMLDivElement);
const cancel = part('cancel', HTMLButtonElement);
const pay = part('pay', HTMLButtonElement);
const spoken = part('alert', HTMLParagraphElement);

/** @param {boolean} open */
function show(open) {
  sheet.hidden = !open;
  button.hidden = open;
}

/** @param {boolean} busy */
function wait(busy) {
  pay.disabled = busy;
  cancel.disabled = busy;
}

function dismiss() {
  show(false);
  button.focus();
  tell('dismissed');
}

button.addEventListener('click', () => {
  spoken.textContent = '';
  tell('clicked');
});
cancel.addEventListener('click', dismiss);
pay.addEventListener('click', () => {
  wait(true);
  tell('approved');
});
sheet.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !pay.disabled) dismiss();
});

listen({
  setup: (/** @type {import('./frame.js').Setup} */ setup) => {
    const { paymentMethods, wallets, buttonHeight, buttonType } = setup.options;
    button.dataset.say = buttonType?.googlePay === 'pay' ? 'wallet_obliges' : 'wallet';
    button.textContent = word(button.dataset.say);
    part('content', HTMLElement).hidden = (paymentMethods?.googlePay ?? wallets?.googlePay) === 'never';
    const height = Number(buttonHeight ?? 48);
    document.documentElement.style.setProperty('--button', `${Math.min(55, Math.max(40, height))}px`);
  },
  open: () => {
    show(true);
    wait(false);
    pay.focus();
  },
  finish: (message) => {
    show(false);
    wait(false);
    spoken.textContent = message.failed ? word('wallet_failed') : '';
  },
  method: (message) => makeMethod({ type: 'card', card: { token: 'tok_sandbox_google_pay' }, billing_details: message.billingDetails }),
  focus: () => button.focus(),
  blur: () => { if (document.activeElement instanceof HTMLElement) document.activeElement.blur(); },
});
