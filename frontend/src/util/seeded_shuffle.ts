// SPDX-License-Identifier: Apache-2.0
/** A fixed order of many samples whose every prefix is spread over all of them. */

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Returns the factor that maps a position to a sample, modulo `count`. Steps of the golden ratio are more
 * evenly spread than random ones; without a common factor with `count` they visit every sample once.
 */
export function strideOf(count: number): number {
  let stride = Math.max(1, Math.round(GOLDEN * count));
  while (gcd(stride, count) > 1) stride++;
  return stride;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
