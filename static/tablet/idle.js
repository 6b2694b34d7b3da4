// @ts-check
/**
 * Whether somebody is still there, as plain values: no page, no clock, no timers. A page that is quiet for too long is
 * warned about; one touch goes on, as often as one likes; else it is over.
 */

/** Milliseconds: until the warning, and how long it lasts. @typedef {{quiet: number, warning: number}} Times */
/** `warned`: when the warning came, or null. `more`: how often time was asked for. @typedef {{since: number, warned: number | null, more: number}} Idle */
/** `left`: whole seconds of the warning. @typedef {{idle: Idle, phase: 'quiet' | 'warned' | 'over', left: number, sound: boolean}} Look */

const LAST_SOUNDS = 5;

/** @param {number} now @returns {Idle} */
export function begin(now) {
  return { since: now, warned: null, more: 0 };
}

/**
 * Somebody touched the screen. During the warning only the button counts: a sleeve must not answer for a driver.
 * @param {Idle} idle @param {number} now @returns {Idle}
 */
export function touched(idle, now) {
  return idle.warned === null ? { ...idle, since: now } : idle;
}

/** "I need more time". @param {Idle} idle @param {number} now @returns {Idle} */
export function extended(idle, now) {
  return idle.warned === null ? idle : { since: now, warned: null, more: idle.more + 1 };
}

/**
 * How it stands now. `last` is `left` of the look before, so that each second sounds once.
 * The warning counts from when it is seen: after a pause of the whole screen it still lasts its full time.
 * @param {Idle} idle @param {Times} times @param {number} now @param {number} last @returns {Look}
 */
export function look(idle, times, now, last) {
  if (idle.warned === null) {
    if (now - idle.since < times.quiet) return { idle, phase: 'quiet', left: 0, sound: false };
    return { idle: { ...idle, warned: now }, phase: 'warned', left: Math.ceil(times.warning / 1000), sound: true };
  }
  const left = Math.ceil((idle.warned + times.warning - now) / 1000);
  if (left <= 0) return { idle, phase: 'over', left: 0, sound: false };
  return { idle, phase: 'warned', left, sound: left <= LAST_SOUNDS && left !== last };
}
