// SPDX-License-Identifier: Apache-2.0
/** Moves every icon with its samples from one step to the next. */

import { cellPlaces, explainUnpairing } from '../domain/comparison/atlas_pairs';
import type { Scene, WeightedScene } from '../render/scene';
import type { Atlas, Level } from '../wire/atlas';
import type { Faded } from './cross_fade';

export class IconMotion {
  readonly #displacements = new WeakMap<
    Level,
    { readonly other: Atlas; readonly displacements: Float32Array }
  >();

  /** Returns both scenes of a fade in motion, or null if their samples cannot be matched. */
  interpolate(older: Faded<Scene>, newer: Faded<Scene>): readonly WeightedScene[] | null {
    const [from, to] = [older.item.atlas, newer.item.atlas];
    if (from === to || explainUnpairing(from, to) !== null) return null;
    const t = newer.weight * newer.weight * (3 - 2 * newer.weight);
    const points = between(from.xy, to.xy, t);
    // Both are opaque halfway, so that the background stays hidden.
    return [
      {
        scene: older.item,
        weight: Math.min(1, 2 - 2 * newer.weight),
        motion: {
          displacements: this.#displacementsOf(older.item.level, from, to),
          share: t,
          points,
        },
      },
      {
        scene: newer.item,
        weight: Math.min(1, 2 * newer.weight),
        motion: {
          displacements: this.#displacementsOf(newer.item.level, to, from),
          share: 1 - t,
          points,
        },
      },
    ];
  }

  /** Displacement of each cell of `level`: from the mean position of its samples in `own` to that in `other`. */
  #displacementsOf(level: Level, own: Atlas, other: Atlas): Float32Array {
    const known = this.#displacements.get(level);
    if (known?.other === other) return known.displacements;
    const here = cellPlaces(level, own.xy);
    const displacements = cellPlaces(level, other.xy).map(
      (place, i) => place - (here[i] as number),
    );
    this.#displacements.set(level, { other, displacements });
    return displacements;
  }
}

function between(from: Float32Array, to: Float32Array, t: number): Float32Array {
  return from.map((place, i) => place + t * ((to[i] as number) - place));
}
