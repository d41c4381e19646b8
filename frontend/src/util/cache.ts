// SPDX-License-Identifier: Apache-2.0
/** A cache of responses, limited in bytes. */

interface Entry<V> {
  readonly promise: Promise<V>;
  value: V | null;
}

export class Cache<V> {
  /** Least recently used first: a `Map` keeps the order of insertion. */
  readonly #entries = new Map<string, Entry<V>>();

  constructor(
    private readonly budget: number,
    private readonly weigh: (value: V) => number,
  ) {}

  /** The value, if it has already arrived. */
  peek(key: string): V | null {
    return this.#touch(key)?.value ?? null;
  }

  /** The value, by `fetch` if need be. A failed fetch is forgotten, so that a retry fetches again. */
  load(key: string, fetch: () => Promise<V>): Promise<V> {
    const known = this.#touch(key);
    if (known !== undefined) return known.promise;
    const entry: Entry<V> = { promise: fetch(), value: null };
    this.#entries.set(key, entry);
    entry.promise.then(
      (value) => {
        entry.value = value;
        this.#evict(key);
      },
      () => {
        // After `clear` another fetch of the same key may be under way.
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return entry.promise;
  }

  clear(): void {
    this.#entries.clear();
  }

  #touch(key: string): Entry<V> | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** Removes the longest unused values; who still shows one keeps its own reference. */
  #evict(newest: string): void {
    let total = 0;
    for (const { value } of this.#entries.values()) total += value === null ? 0 : this.weigh(value);
    for (const [key, { value }] of this.#entries) {
      if (total <= this.budget) return;
      if (key === newest || value === null) continue;
      total -= this.weigh(value);
      this.#entries.delete(key);
    }
  }
}
