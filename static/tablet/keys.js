// @ts-check
/** A keypad for the six digits: a screen on a wall often has no keyboard of its own. One that is plugged in works as well. */

const MOST = 6;
const pad = document.querySelector('.keypad');
const form = document.querySelector('form[data-keys]');
const field = form?.querySelector('input');
const boxes = form?.querySelector('.digits');
const said = /** @type {HTMLElement | null | undefined} */ (form?.querySelector('[data-typed]'));

/** What is typed stands in the boxes; the field lies above them and is not seen. */
function show() {
  const typed = field?.value.replace(/\D/g, '').slice(0, MOST) ?? '';
  [...(boxes?.children ?? [])].forEach((box, at) => {
    box.textContent = typed[at] ?? '';
    box.classList.toggle('at', at === typed.length);
  });
  const words = said?.dataset.typed?.replace('{count}', String(typed.length)) ?? '';
  if (said) said.textContent = typed ? words : '';
}

if (field && boxes && pad instanceof HTMLElement && form instanceof HTMLFormElement) {
  pad.hidden = false;
  boxes.toggleAttribute('hidden', false);
  form.dataset.pad = '';
  field.inputMode = 'none';
  field.addEventListener('input', show);
  pad.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    const key = button?.dataset.key;
    if (!key) return;
    field.value = key === 'back' ? field.value.slice(0, -1) : `${field.value}${key}`.slice(0, MOST);
    show();
  });
  show();
}
// From here on the page keeps its own promises.
document.querySelector('[data-late=keys]')?.remove();
