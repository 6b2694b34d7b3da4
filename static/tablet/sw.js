// @ts-check
/**
 * Keeps one page in the tablet's browser, for a reload without a connection: the offline page and what it needs. Asks the
 * kiosk first, always, and keeps nothing else: no answer that belongs to a driver ever comes in here.
 */

const CACHE = 'tablet-shell';
const PAGE = '/tablet/offline';
/** Its answer takes this very worker away. A worker that waited for it would keep it waiting. */
const RESET = '/tablet/reset';
const worker = /** @type {any} */ (self);
/** Written in front of this file by the kiosk. @type {string[]} */
const kept = worker.KEPT;

async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll(kept);
  for (const request of await cache.keys()) {
    if (!kept.includes(new URL(request.url).pathname)) await cache.delete(request);
  }
}

worker.addEventListener('install', (/** @type {any} */ event) => {
  event.waitUntil(keep().then(() => worker.skipWaiting()));
});

worker.addEventListener('activate', (/** @type {any} */ event) => {
  event.waitUntil(worker.clients.claim());
});

/**
 * A proxy whose kiosk is gone does answer, but with a page on which nothing goes on: that is no connection either.
 * @param {Request} request @param {string} address what is kept in its place
 */
async function asked(request, address) {
  /** @type {Response | undefined} */
  let answer;
  try {
    answer = await fetch(request);
    if (answer.status < 500) return answer;
  } catch {
    // No connection.
  }
  return (await caches.match(address)) ?? answer ?? Response.error();
}

worker.addEventListener('fetch', (/** @type {any} */ event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== worker.location.origin || pathname === RESET) return;
  // Also a form that is sent: else the browser's own page without a connection would stay for good.
  if (request.mode === 'navigate') event.respondWith(asked(request, PAGE));
  else if (request.method === 'GET' && kept.includes(pathname) && pathname !== PAGE) event.respondWith(asked(request, pathname));
});
