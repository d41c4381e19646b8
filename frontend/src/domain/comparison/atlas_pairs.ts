// SPDX-License-Identifier: Apache-2.0
/** Pairs of atlases with the same samples, and the displacement of their cells. */

import { count } from '../../util/format';
import { PairCache } from '../../util/pair_cache';
import type { Atlas, Level } from '../../wire/atlas';
import { membersOf } from '../cell_stats';
import { classAtlasOf, NOT_FOLLOWED } from '../class_atlas';

const reasons = new PairCache<Atlas, Atlas, string | null>();

/** Why row i of the two is not the same sample, as a sentence; null where it is. */
export function explainUnpairing(a: Atlas, b: Atlas): string | null {
  return reasons.get(a, b, () => findReason(a, b));
}

function findReason(a: Atlas, b: Atlas): string | null {
  if (a.manifest.probeDigest !== b.manifest.probeDigest) {
    return 'A and B use different probes, so samples cannot be matched.';
  }
  if (classAtlasOf(a) !== null || classAtlasOf(b) !== null) return NOT_FOLLOWED;
  if (a.count !== b.count) {
    return `One atlas has ${count(a.count)} samples and the other ${count(b.count)}.`;
  }
  const same = a.imageIds.every((image, row) => image === b.imageIds[row]);
  return same ? null : 'A and B have different samples.';
}

/** How far every sample has moved, in map units. */
export function movesOf(from: Float32Array, to: Float32Array): Float32Array {
  return Float32Array.from({ length: from.length / 2 }, (_, row) =>
    Math.hypot(
      (to[2 * row] as number) - (from[2 * row] as number),
      (to[2 * row + 1] as number) - (from[2 * row + 1] as number),
    ),
  );
}

/** Mean position of the members of every cell, x and y, for samples at `xy`. */
export function cellPlaces(level: Level, xy: Float32Array): Float32Array {
  const places = new Float32Array(2 * level.rows.length);
  for (let cell = 0; cell < level.rows.length; cell++) {
    const members = membersOf(level, cell);
    for (const row of members) {
      places[2 * cell] = (places[2 * cell] as number) + (xy[2 * row] as number) / members.length;
      places[2 * cell + 1] =
        (places[2 * cell + 1] as number) + (xy[2 * row + 1] as number) / members.length;
    }
  }
  return places;
}
