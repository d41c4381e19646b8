// SPDX-License-Identifier: Apache-2.0
/** How much of the unit square a map takes, so that the view can be fitted to what is there. */

import { fitSide, type Spread, type Viewport } from '../domain/camera';
import { classAtlasOf } from '../domain/class_atlas';
import { resolveLevel } from '../domain/level_of_detail';
import type { Atlas, Level } from '../wire/atlas';

/** A map of a few cells would otherwise become a wall of them. */
const LEAST = 0.4;

/** By the grid, chosen or not, that the view shows once it is fitted: cells of coarser ones reach farther out. */
export function spreadOf(
  atlas: Atlas,
  { width, height, covered = 0 }: Viewport,
  choice: number | 'auto',
): Spread {
  let spread = { across: 1, down: 1 };
  // An axis goes from rim to rim.
  if (classAtlasOf(atlas)?.axis) return spread;
  // A fitted map has larger cells and may have room for a finer grid.
  for (let pass = 0; pass < 2; pass++) {
    const side = fitSide({ width: width - covered, height, ...spread });
    const level = atlas.levels[resolveLevel(atlas.levels, choice, side, null)];
    if (level) spread = takenBy(level);
  }
  return spread;
}

/** The larger of both spreads. */
export function wider(one: Spread, other: Spread): Spread {
  return {
    across: Math.max(one.across, other.across),
    down: Math.max(one.down, other.down),
  };
}

function takenBy({ size, cols, rows }: Level): Spread {
  const reach = (places: Int32Array) =>
    places.reduce((most, at) => Math.max(most, Math.abs(2 * at + 1 - size) + 1), LEAST * size);
  return { across: reach(cols) / size, down: reach(rows) / size };
}
