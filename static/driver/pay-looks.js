// @ts-check
/** How Stripe's fields look: in our colours, light or dark as the page is. */

/** @typedef {import('@stripe/stripe-js').Appearance} Appearance */

export const DARK = window.matchMedia('(prefers-color-scheme: dark)');
/** On a site's screen the reader may have chosen light or dark. */
const dark = () => (document.documentElement.dataset.theme ?? (DARK.matches ? 'dark' : 'light')) === 'dark';

/** Our colours for Stripe's fields. @returns {Appearance} */
export function appearance() {
  return {
    theme: dark() ? 'night' : 'stripe',
    variables: {
      colorPrimary: colour('--accent'),
      colorBackground: colour('--paper'),
      colorText: colour('--ink'),
      colorTextSecondary: colour('--ink-2'),
      colorDanger: colour('--bad'),
      fontFamily: 'system-ui, sans-serif',
      fontSizeBase: '17px',
      borderRadius: '10px',
      spacingUnit: '4px',
    },
  };
}

/**
 * A token as Stripe reads colours; ours may be written in oklch.
 * @param {string} token
 */
function colour(token) {
  const value = getComputedStyle(document.documentElement).getPropertyValue(token).trim();
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  if (!canvas) return value;
  canvas.fillStyle = value;
  canvas.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = canvas.getImageData(0, 0, 1, 1).data;
  return `#${[red, green, blue].map((part_) => part_.toString(16).padStart(2, '0')).join('')}`;
}
