// @ts-check
/** Puts a freshly fetched page in place of the shown one, without losing what the driver has typed, opened or focused. */

const LIMIT = 10000;

/** For every request: none may wait for ever. @returns {AbortSignal | null} null where browsers cannot do that */
export function limit() {
  return 'timeout' in AbortSignal ? AbortSignal.timeout(LIMIT) : null;
}

/**
 * @param {string} html
 * @returns {Document | null} null when it is not a page of the kiosk
 */
export function parse(html) {
  // The pay page brings its style sheet along. This page has it already, and its policy would complain of a second one.
  const page = new DOMParser().parseFromString(html.replace(/<style>[\s\S]*?<\/style>/, ''), 'text/html');
  return page.getElementById('main') && page.documentElement.dataset.now ? page : null;
}

/**
 * @param {Document} page
 * @param {boolean} moved another screen: focus goes to its heading
 */
export function swap(page, moved) {
  const before = document.getElementById('main');
  const after = page.getElementById('main');
  if (!before || !after) return;
  const active = document.activeElement;
  const focused = active instanceof HTMLElement ? selector(active) : null;
  if (!moved) keep(before, after);
  // The live region stays the same element, or it would not be spoken.
  const region = before.querySelector('p[role=status]');
  after.querySelector('p[role=status]')?.replaceWith(region ?? '');
  before.replaceWith(after);
  const sheet = page.querySelector('body > svg[hidden]');
  if (sheet) document.querySelector('body > svg[hidden]')?.replaceWith(sheet);
  document.title = page.title;
  if (moved) {
    window.scrollTo(0, 0);
    after.querySelector('h1')?.focus();
  } else if (focused) {
    const again = after.querySelector(focused);
    if (again instanceof HTMLElement) again.focus({ preventScroll: true });
  }
}

/**
 * The form in a renewed page that asks for the same.
 * @param {ParentNode} page
 * @param {HTMLFormElement} form
 * @returns {HTMLFormElement | null}
 */
export function sameForm(page, form) {
  return page.querySelector(`form[action="${CSS.escape(form.getAttribute('action') ?? '')}"]`);
}

/**
 * Speaks a change of state, never the ticking of figures.
 * @param {string} text
 */
export function speak(text) {
  const region = document.querySelector('#main > p[role=status]');
  if (region) region.textContent = text;
}

/**
 * @param {Element} before
 * @param {Element} after
 */
function keep(before, after) {
  for (const input of before.querySelectorAll('input')) {
    const same = after.querySelector(selector(input) ?? 'input[data-none]');
    if (!(same instanceof HTMLInputElement)) continue;
    if (input.type === 'radio' || input.type === 'checkbox') {
      same.checked = input.checked;
    } else if (input.type !== 'hidden') {
      same.value = input.value;
    }
  }
  // What was chosen and is not offered any more: then nothing is chosen. Another choice is never made for the driver.
  for (const input of before.querySelectorAll('input[type=radio]')) {
    if (!(input instanceof HTMLInputElement) || !input.checked) continue;
    const others = [...after.querySelectorAll(`input[name="${CSS.escape(input.name)}"]`)];
    if (others.some((one) => one instanceof HTMLInputElement && one.value === input.value)) continue;
    for (const one of others) if (one instanceof HTMLInputElement) one.checked = false;
    others[0]?.closest('details')?.toggleAttribute('open', true);
  }
  for (const words of before.querySelectorAll('[data-complaint]')) {
    const form = words.closest('form');
    if (form) sameForm(after, form)?.prepend(words);
  }
  const open = [...before.querySelectorAll('details')].filter((one) => one.open).map(title);
  for (const details of after.querySelectorAll('details')) {
    if (open.includes(title(details))) details.open = true;
  }
}

/** @param {HTMLDetailsElement} details */
function title(details) {
  return details.querySelector('summary')?.textContent?.trim() ?? '';
}

/**
 * Finds the same element in the next page: by id, by what it is called, or by where it leads.
 * @param {HTMLElement} element
 */
function selector(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element instanceof HTMLHeadingElement || element.localName === 'summary') return element.localName;
  if (element instanceof HTMLAnchorElement) return `a[href="${CSS.escape(element.getAttribute('href') ?? '')}"]`;
  if (element instanceof HTMLButtonElement && element.form) {
    return `form[action="${CSS.escape(element.form.getAttribute('action') ?? '')}"] button`;
  }
  if (element instanceof HTMLInputElement && element.name) {
    return `input[name="${CSS.escape(element.name)}"]${element.type === 'radio' ? `[value="${CSS.escape(element.value)}"]` : ''}`;
  }
  return null;
}
