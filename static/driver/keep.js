// @ts-check
/** Keeping a page: printing it, copying its link, and handing the link on as the phone does that. */
import { speak } from '../shared/swap.js';

/** What scripts add to a page that is complete without them. */
export function ready() {
  for (const button of document.querySelectorAll('[data-print]')) button.toggleAttribute('hidden', false);
  for (const button of document.querySelectorAll('[data-copy]')) button.toggleAttribute('hidden', !navigator.clipboard);
  for (const button of document.querySelectorAll('[data-share]')) button.toggleAttribute('hidden', !('share' in navigator));
}

document.addEventListener('click', (event) => {
  const button = event.target instanceof Element ? event.target.closest('button') : null;
  if (!button) return;
  if ('print' in button.dataset) window.print();
  // Whoever closes the phone's own menu again has shared nothing, and need not be told.
  if (button.dataset.share) void navigator.share({ url: button.dataset.share }).catch(() => undefined);
  if (button.dataset.copy) {
    const done = button.dataset.done ?? '';
    void navigator.clipboard.writeText(button.dataset.copy).then(() => {
      const word = button.lastChild;
      if (word) word.textContent = done;
      speak(done);
    });
  }
});

ready();
