// SPDX-License-Identifier: Apache-2.0
/** A stride that visits `count` items once each, evenly spread at every prefix. */

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * Returns the stride: the i-th visited item is `(i * stride) % count`. Multiples of the golden ratio are more
 * evenly spread than random numbers, and a stride without a common factor with `count` visits every item once.
 */
export function strideOf(count: number): number {
  let stride = Math.max(1, Math.round(GOLDEN * count));
  while (gcd(stride, count) > 1) stride++;
  return stride;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
