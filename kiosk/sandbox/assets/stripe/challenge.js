// @ts-check
// The 3-D Secure challenge in its frame. Escape counts as a refusal; the host page is told when an answer is in.

const HOST = document.body.dataset.host ?? '';
const form = /** @type {HTMLFormElement} */ (document.getElementById('form'));
const done = () => window.parent.postMessage({ kind: 'challenge-done' }, HOST);

/** @param {string} outcome */
async function answer(outcome) {
  for (const button of form.querySelectorAll('button')) button.disabled = true;
  try {
    await fetch(location.pathname, { method: 'POST', body: new URLSearchParams({ outcome }) });
  } finally {
    done(); // also without an answer: the host page reads the intent and sees how it stands
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const outcome = event.submitter instanceof HTMLButtonElement ? event.submitter.value : 'fail';
  void answer(outcome);
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') void answer('fail');
});
window.addEventListener('message', (event) => {
  if (event.source === window.parent && event.origin === HOST && event.data?.kind === 'refuse') void answer('fail');
});
if (document.body.dataset.open === 'no') done();
for (const button of form.querySelectorAll('button')) button.disabled = false;

export {};
