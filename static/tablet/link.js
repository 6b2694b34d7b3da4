// @ts-check
/**
 * Contact with the kiosk: asks again and again, more rarely while nothing comes back, and says when contact is lost and
 * when it is there again. One timer, whatever happens.
 */
import { moment, passed, speed, sync } from '../shared/ages.js';

const MISSES = 2;
const LIMIT = 6000;
const LONGEST = 30000;

/**
 * Milliseconds until the next question: never all screens of a site at once.
 * @param {number} every @param {number} failures @param {number} chance from 0 to 1
 */
export function pause(every, failures, chance) {
  const length = Math.min(LONGEST, every * 2 ** Math.min(failures, 5));
  return Math.round(length * (failures ? 0.5 + chance / 2 : 0.9 + chance / 5));
}

/**
 * For every request: none may wait for ever. Also in browsers that have no ready-made signal for that.
 * @param {number} milliseconds
 */
export function within(milliseconds) {
  if ('timeout' in AbortSignal) return AbortSignal.timeout(milliseconds);
  const control = new AbortController();
  setTimeout(() => control.abort(), milliseconds);
  return control.signal;
}

/**
 * @typedef {{url: () => string, every: number, take: (answer: any) => void, lost: () => void, back: () => void}} Use
 * @param {Use} use `every` in milliseconds of the kiosk's clock, but at least a second of ours
 */
export function keepAsking(use) {
  const every = Math.max(1000, use.every / speed());
  let failures = 0;
  let lost = false;
  let asking = false;
  let etag = '';
  let timer = 0;
  let last = moment();

  const lose = () => {
    if (lost) return;
    lost = true;
    etag = '';
    use.lost();
  };

  const ask = async () => {
    clearTimeout(timer);
    if (asking) return;
    asking = true;
    last = moment();
    try {
      const headers = etag ? { 'If-None-Match': etag } : undefined;
      const answer = await fetch(use.url(), { headers, cache: 'no-store', signal: within(LIMIT) });
      if (answer.status === 401) {
        location.replace('/tablet/');
        return;
      }
      if (!answer.ok && answer.status !== 304) throw new Error('no answer');
      const body = answer.status === 304 ? null : await answer.json();
      sync(answer.headers.get('Kiosk-Now') ?? '');
      etag = answer.headers.get('ETag') ?? '';
      failures = 0;
      if (lost) {
        lost = false;
        use.back();
      }
      if (body) use.take(body);
    } catch {
      failures += 1;
      if (failures >= MISSES || !navigator.onLine) lose();
    } finally {
      asking = false;
      clearTimeout(timer);
      timer = window.setTimeout(() => void ask(), pause(every, failures, Math.random()));
    }
  };

  window.addEventListener('offline', lose);
  window.addEventListener('online', () => void ask());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && passed(last) > every) void ask();
  });
  timer = window.setTimeout(() => void ask(), pause(every, 0, Math.random()));
  return {
    /** What was told is not shown: it must be told again. */
    again() {
      etag = '';
    },
    now: () => void ask(),
  };
}
