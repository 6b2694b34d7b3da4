// @ts-check
/** A keypad for the six digits: a screen on a wall often has no keyboard of its own. */

for (const form of document.querySelectorAll('form[data-keys]')) {
  const field = form.querySelector('input');
  const pad = form.querySelector('.keypad');
  if (!(field instanceof HTMLInputElement) || !(pad instanceof HTMLElement)) continue;
  pad.hidden = false;
  pad.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    const key = button?.dataset.key;
    if (!key) return;
    field.value = key === 'back' ? field.value.slice(0, -1) : `${field.value}${key}`.slice(0, 6);
  });
}
