// SPDX-License-Identifier: Apache-2.0
/** A fixed order of many samples, of which any beginning is spread over all of them. */

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * What `place` is multiplied with, modulo `count`, to come to a sample: steps of the golden ratio spread more
 * evenly than chance, and having no factor in common with `count` they come to every sample once.
 */
export function strideOf(count: number): number {
  let stride = Math.max(1, Math.round(GOLDEN * count));
  while (gcd(stride, count) > 1) stride++;
  return stride;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
