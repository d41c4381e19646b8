// SPDX-License-Identifier: Apache-2.0
/** Zooms to a cell of a list on the level that contains it. */

import { type Camera, type Viewport, worldSide } from '../domain/camera';
import { centerOf } from '../domain/cell_stats';
import type { CellPlace } from '../domain/display_types';
import { resolveLevel } from '../domain/level_of_detail';
import type { State } from './store';

/** Cells across the view that are near enough. */
const CELLS_IN_VIEW = 5;
const STEP = 1.05;

/** The middle of a cell, as near as the grid on screen stays the same and never farther than now. */
export function closeUp(
  { atlas, level, shownLevel, camera }: State,
  viewport: Viewport,
  place: CellPlace,
): Camera {
  const levels = atlas?.levels ?? [];
  const gridAt = (z: number) =>
    levels[resolveLevel(levels, level, worldSide({ ...camera, z }, viewport), shownLevel)]?.size;
  let { z } = camera;
  while (z * STEP <= place.size / CELLS_IN_VIEW && gridAt(z * STEP) === place.size) z *= STEP;
  return { ...centerOf(place), z };
}
