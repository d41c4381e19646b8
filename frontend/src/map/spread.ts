// SPDX-License-Identifier: Apache-2.0
/** How much of the unit square a map takes, so that the view can be fitted to what is there. */

import type { Atlas } from '../atlas';
import { fitSide, type Spread, type Viewport } from '../camera';
import { classAtlasOf } from '../class_atlas';
import { chooseLevel } from '../lod';

/** A map of a few cells would otherwise become a wall of them. */
const LEAST = 0.4;

/** By the grid that the whole square would show: finer ones lie within its cells. */
export function spreadOf(atlas: Atlas, { width, height }: Viewport): Spread {
  const level = atlas.levels[chooseLevel(atlas.levels, fitSide({ width, height }), null)];
  // An axis goes from rim to rim.
  if (!level || classAtlasOf(atlas)?.axis) return { across: 1, down: 1 };
  const { size, cols, rows } = level;
  const reach = (places: Int32Array) =>
    places.reduce((most, at) => Math.max(most, Math.abs(2 * at + 1 - size) + 1), LEAST * size);
  return { across: reach(cols) / size, down: reach(rows) / size };
}
