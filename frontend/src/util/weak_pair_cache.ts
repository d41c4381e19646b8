// SPDX-License-Identifier: Apache-2.0
/** What was found about two things, for as long as both are there. */

export class PairMemo<A extends object, B extends object, T> {
  readonly #known = new WeakMap<A, WeakMap<B, T>>();

  /** What is known of `a` and `b`; found once. */
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
