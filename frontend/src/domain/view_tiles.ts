// SPDX-License-Identifier: Apache-2.0
/** Tiles of points that cover a view, and how many samples are in it. */

import { count } from '../util/format';
import { MAX_TILE_LEVEL } from '../wire/generated/limits';
import type { Points, PointTile } from '../wire/point_tile';
import type { View } from './camera';

/**
 * Names of at most four tiles that cover a view, such as "3.0.7": those of the finest level whose tiles are as
 * large as the view; none for more than half of the map.
 */
export function coverView([left, top, right, bottom]: View): string[] {
  const fitting = Math.floor(-Math.log2(Math.max(right - left, bottom - top)));
  const level = Math.min(MAX_TILE_LEVEL, fitting);
  const side = 2 ** level;
  const at = (place: number) => Math.max(0, Math.min(side - 1, Math.floor(place * side)));
  const names: string[] = [];
  for (let row = at(top); level > 0 && row <= at(bottom); row++)
    for (let column = at(left); column <= at(right); column++)
      names.push(`${level}.${column}.${row}`);
  return names;
}

/** The same part of the samples of each tile, so that points are as dense as samples across the edges of tiles. */
export function evenOut(tiles: readonly PointTile[]): readonly PointTile[] {
  const part = Math.min(...tiles.map(({ count, hidden }) => (hidden ? count / hidden : 1)));
  return tiles.map((tile) => ({ ...tile, count: Math.round(part * tile.hidden) }));
}

/** "all 312 in view" or "4,000 of about 12,300 in view": points of an atlas and of the tiles that cover the view. */
export function describeView(
  atlas: Points,
  tiles: readonly PointTile[],
  [left, top, right, bottom]: View,
): string {
  let shown = 0;
  let all = 0;
  for (const { xy, count: points, hidden } of [{ ...atlas, hidden: atlas.count }, ...tiles]) {
    let found = 0;
    for (let i = 0; i < 2 * points; i += 2) {
      const [x, y] = [xy[i] as number, xy[i + 1] as number];
      if (x >= left && x <= right && y >= top && y <= bottom) found++;
    }
    shown += found;
    // A tile has a random part of its samples, so the view has about the same part of its own.
    all += found && (found * hidden) / points;
  }
  const complete = tiles.every((tile) => tile.count === tile.hidden);
  if (complete) return `all ${count(shown)} in view`;
  return `${count(shown)} of about ${count(Math.max(shown, +all.toPrecision(3)))} in view`;
}
