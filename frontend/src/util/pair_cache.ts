// SPDX-License-Identifier: Apache-2.0
/** A cache of values by pairs of objects, as long as both objects exist. */

export class PairCache<A extends object, B extends object, T> {
  readonly #known = new WeakMap<A, WeakMap<B, T>>();

  /** The value of `a` and `b`, computed once. */
  get(a: A, b: B, find: () => T): T {
    const known = this.#known.get(a) ?? new WeakMap<B, T>();
    this.#known.set(a, known);
    let found = known.get(b);
    if (found === undefined) {
      found = find();
      known.set(b, found);
    }
    return found;
  }
}
