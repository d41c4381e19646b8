// SPDX-License-Identifier: Apache-2.0
/** Computes how much of the unit square a map covers, so that the view can fit it. */

import { type Extent, fitSide, type Viewport } from '../domain/camera';
import { classAtlasOf } from '../domain/class_atlas';
import { resolveLevel } from '../domain/level_of_detail';
import type { Atlas, Level } from '../wire/atlas';

/** Smallest extent: a map of a few cells would otherwise show them too large. */
const LEAST = 0.4;

/** Returns the extent of the level that the fitted view shows; the cells of coarser levels reach farther. */
export function mapExtent(
  atlas: Atlas,
  { width, height, covered = 0 }: Viewport,
  choice: number | 'auto',
): Extent {
  let extent = { across: 1, down: 1 };
  // The axis of a class atlas spans the whole square.
  if (classAtlasOf(atlas)?.axis) return extent;
  // A fitted map has larger cells and may have room for a finer grid.
  for (let pass = 0; pass < 2; pass++) {
    const side = fitSide({ width: width - covered, height, ...extent });
    const level = atlas.levels[resolveLevel(atlas.levels, choice, side, null)];
    if (level) extent = levelExtent(level);
  }
  return extent;
}

/** The larger of two extents on each axis. */
export function largerExtent(one: Extent, other: Extent): Extent {
  return {
    across: Math.max(one.across, other.across),
    down: Math.max(one.down, other.down),
  };
}

function levelExtent({ size, cols, rows }: Level): Extent {
  const reach = (places: Int32Array) =>
    places.reduce((most, at) => Math.max(most, Math.abs(2 * at + 1 - size) + 1), LEAST * size);
  return { across: reach(cols) / size, down: reach(rows) / size };
}
