// SPDX-License-Identifier: Apache-2.0
/** Cells whose mean activations have similar directions, wherever they are on the map. */

import { PairCache } from '../util/pair_cache';
import type { Activations } from '../wire/activations';
import type { Level } from '../wire/atlas';

export interface SimilarCell {
  readonly cell: number;
  /** Cosine of both mean activations, centered by the layer's mean. */
  readonly cosine: number;
}

interface Similarities {
  readonly directions: Float32Array;
  /** The most recent cell, since every frame of the map requests it again. */
  last: { readonly cell: number; readonly others: readonly SimilarCell[] } | null;
}

const cache = new PairCache<Level, Activations, Similarities>();

/** The `limit` other cells of a grid with the largest cosine to `cell`; cells without a direction are left out. */
export function similarCells(
  level: Level,
  activations: Activations,
  cell: number,
  limit: number,
): SimilarCell[] {
  const known = cache.get(level, activations, () => ({
    directions: findDirections(level, activations),
    last: null,
  }));
  if (known.last?.cell !== cell) {
    known.last = { cell, others: sortOthers(known.directions, activations.width, level, cell) };
  }
  return known.last.others.slice(0, limit);
}

function sortOthers(
  directions: Float32Array,
  width: number,
  level: Level,
  cell: number,
): SimilarCell[] {
  const own = directions.subarray(cell * width, (cell + 1) * width);
  return Array.from(level.rows, (_, other) => {
    const at = other * width;
    return {
      cell: other,
      cosine: own.reduce((sum, value, i) => sum + value * (directions[at + i] as number), 0),
    };
  })
    .filter((one) => one.cell !== cell && !Number.isNaN(one.cosine))
    .sort((a, b) => b.cosine - a.cosine || a.cell - b.cell);
}

/** Unit vector of the mean of each cell, relative to the mean of the layer: (cells, width). NaN where it is zero. */
function findDirections(level: Level, { width, values, mean }: Activations): Float32Array {
  const sums = new Float32Array(level.rows.length * width);
  level.cellOf.forEach((cell, sample) => {
    if (cell < 0) return;
    for (let i = 0; i < width; i++) {
      const value = (values[sample * width + i] as number) - (mean[i] as number);
      const at = cell * width + i;
      if (Number.isFinite(value)) sums[at] = (sums[at] as number) + value;
    }
  });
  for (let at = 0; at < sums.length; at += width) {
    const own = sums.subarray(at, at + width);
    const length = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0));
    own.forEach((value, i) => {
      own[i] = value / length;
    });
  }
  return sums;
}
