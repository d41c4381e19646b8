// SPDX-License-Identifier: Apache-2.0
/** The moving map: every icon goes the way of its samples while it becomes the next step's. */

import { cellPlaces, explainUnpairing } from '../domain/sample_pairs';
import type { Scene, WeightedScene } from '../render/scene';
import type { Atlas, Level } from '../wire/atlas';
import type { Faded } from './fade';

export class SceneTravel {
  readonly #ways = new WeakMap<Level, { readonly other: Atlas; readonly ways: Float32Array }>();

  /** Two scenes of a fade on their way, or null where their samples cannot be followed. */
  carry(older: Faded<Scene>, newer: Faded<Scene>): readonly WeightedScene[] | null {
    const [from, to] = [older.item.atlas, newer.item.atlas];
    if (from === to || explainUnpairing(from, to) !== null) return null;
    const t = newer.weight * newer.weight * (3 - 2 * newer.weight);
    const points = between(from.xy, to.xy, t);
    // Both are opaque half way, so that the ground never shines through.
    return [
      {
        scene: older.item,
        weight: Math.min(1, 2 - 2 * newer.weight),
        travel: { ways: this.#waysOf(older.item.level, from, to), share: t, points },
      },
      {
        scene: newer.item,
        weight: Math.min(1, 2 * newer.weight),
        travel: { ways: this.#waysOf(newer.item.level, to, from), share: 1 - t, points },
      },
    ];
  }

  /** From where the members of a level's cells are, at `own`, to where they are at `other`. */
  #waysOf(level: Level, own: Atlas, other: Atlas): Float32Array {
    const known = this.#ways.get(level);
    if (known?.other === other) return known.ways;
    const here = cellPlaces(level, own.xy);
    const ways = cellPlaces(level, other.xy).map((place, i) => place - (here[i] as number));
    this.#ways.set(level, { other, ways });
    return ways;
  }
}

function between(from: Float32Array, to: Float32Array, t: number): Float32Array {
  return from.map((place, i) => place + t * ((to[i] as number) - place));
}
