// SPDX-License-Identifier: Apache-2.0
/**
 * Crossfades: the newest item gains weight while all older ones lose it. The weights always sum to 1, so that
 * an interrupted fade neither jumps nor flashes.
 */

export interface Faded<T> {
  readonly item: T;
  readonly weight: number;
}

export class Fade<T> {
  #items: Faded<T>[] = [];

  get items(): readonly Faded<T>[] {
    return this.#items;
  }

  /** The item that is or will be the only one. */
  get current(): T | null {
    return this.#items.at(-1)?.item ?? null;
  }

  get moving(): boolean {
    return this.#items.length > 1;
  }

  /** Begins to show `item`; the first one is there at once. */
  show(item: T): void {
    if (item === this.current) return;
    const known = this.#items.find((one) => one.item === item);
    const rest = this.#items.filter((one) => one.item !== item);
    const weight = this.#items.length === 0 ? 1 : (known?.weight ?? 0);
    this.#items = [...rest, { item, weight }];
  }

  /** Exchanges the current item for a variant of itself, without a fade. */
  swap(item: T): void {
    const last = this.#items.pop();
    this.#items.push({ item, weight: last?.weight ?? 1 });
  }

  /** Moves on by a share of a whole fade; 1 ends it. */
  advance(share: number): void {
    const last = this.#items.at(-1);
    if (last === undefined || !this.moving) return;
    const weight = Math.min(1, last.weight + share);
    if (weight === 1) {
      this.#items = [{ item: last.item, weight: 1 }];
      return;
    }
    const shrink = (1 - weight) / (1 - last.weight);
    this.#items = this.#items.map((one) =>
      one === last ? { item: one.item, weight } : { item: one.item, weight: one.weight * shrink },
    );
  }
}
