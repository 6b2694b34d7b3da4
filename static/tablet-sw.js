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

worker.addEventListener('fetch', (/** @type {any} */ event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== worker.location.origin || pathname === RESET) return;
  if (request.mode === 'navigate') {
    event.respondWith(fetch(request).catch(() => caches.match(PAGE)));
  } else if (kept.includes(pathname) && pathname !== PAGE) {
    event.respondWith(fetch(request).catch(() => caches.match(pathname)));
  }
});
