// SPDX-License-Identifier: Apache-2.0
/** Chooses the level to show: the finest whose cells are large enough and contain enough samples. */

export interface LevelSize {
  readonly size: number;
  /** Share of all samples in visible cells. */
  readonly covered: number;
}

/** CSS pixels that a cell needs before its level is worth drawing. */
export const READABLE_CELL = 40;
/** A level that is shown keeps until its cells shrink below this share of `READABLE_CELL`. */
const HYSTERESIS = 0.82;
/** Below this share of samples in drawn cells a level is holes, not a map. */
const MIN_COVERED = 0.3;

/**
 * Index into `levels` (coarsest first) to draw.
 *
 * @param side CSS pixels across the whole map at the camera's zoom.
 * @param shown Grid size on screen now, which is given up late so that a wheel at rest never flickers.
 */
export function chooseLevel(
  levels: readonly LevelSize[],
  side: number,
  shown: number | null,
): number {
  let chosen = 0;
  levels.forEach((level, index) => {
    const needed = level.size === shown ? READABLE_CELL * HYSTERESIS : READABLE_CELL;
    if (level.covered >= MIN_COVERED && side / level.size >= needed) chosen = index;
  });
  return chosen;
}

/** Index of the level that a fixed choice names, or the automatic one where it has none such. */
export function resolveLevel(
  levels: readonly LevelSize[],
  choice: number | 'auto',
  side: number,
  shown: number | null,
): number {
  const fixed = levels.findIndex((level) => level.size === choice);
  return fixed >= 0 ? fixed : chooseLevel(levels, side, shown);
}
