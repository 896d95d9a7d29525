/**
 * Numbers as the page writes them: thin spaces between thousands, a space before a unit.
 * @module
 */

/** Narrow no-break space: between thousands, and between a number and its unit. */
export const THIN = "\u202f";

/**
 * A whole number with thousands apart: `3 841 206`.
 * @param {number} n
 */
export function whole(n) {
  const sign = n < 0 ? "\u2212" : "";
  return sign + String(Math.abs(Math.round(n))).replace(/\B(?=(\d{3})+$)/g, THIN);
}

/**
 * A duration given in microseconds, in the unit that suits it: `4.1 µs`, `20.1 ms`, `1.2 s`.
 * @param {number} us
 */
export function duration(us) {
  if (us < 1000) return `${number(us)}${THIN}µs`;
  if (us < 1e6) return `${number(us / 1000)}${THIN}ms`;
  return `${number(us / 1e6)}${THIN}s`;
}

/**
 * At most three significant digits before the decimals end, whole numbers without any.
 * @param {number} n
 */
export function number(n) {
  const size = Math.abs(n);
  if (Number.isInteger(n) || size >= 1000) return whole(n);
  return n.toFixed(size >= 100 ? 0 : 1);
}

/**
 * Elapsed time of a run in seconds: `12.4`; in slow motion with as many decimals as can be seen to move.
 * @param {number} us
 * @param {number} [speed] of the board's time against ours; 0 is as fast as it goes
 */
export function seconds(us, speed = 1) {
  const slowdown = speed > 0 && speed < 1 ? Math.round(Math.log10(1 / speed)) : 0;
  return (us / 1e6).toFixed(1 + slowdown);
}

/**
 * A share in percent, `43.0 %`; "less than" is not rounded away to nothing.
 * @param {number} part
 * @param {number} whole
 */
export function percent(part, whole) {
  if (whole <= 0) return `0${THIN}%`;
  const share = (part / whole) * 100;
  if (part > 0 && share < 0.1) return `<${THIN}0.1${THIN}%`;
  return `${share.toFixed(1)}${THIN}%`;
}

/**
 * A rate in Hz as the period it means: `1.000 ms`.
 * @param {number} hz
 */
export function period(hz) {
  const us = 1e6 / hz;
  return us >= 1000 ? `${(us / 1000).toFixed(3)}${THIN}ms` : `${us.toFixed(1)}${THIN}µs`;
}
