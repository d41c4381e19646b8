// SPDX-License-Identifier: Apache-2.0
/** Position of the icon of a cell on the sprite pages of its grid. */

import type { Level } from '../wire/atlas';

/** Page of the icon of `cell` and its corner on that page, in pixels; null without an icon. */
export function iconPlace(
  level: Level,
  cell: number,
): { page: number; x: number; y: number; side: number } | null {
  const { tile, columns } = level.entry;
  if (tile === null || columns === null || level.kind[cell] === 0) return null;
  const onPage = cell % (columns * columns);
  return {
    page: Math.floor(cell / (columns * columns)),
    x: (onPage % columns) * tile,
    y: Math.floor(onPage / columns) * tile,
    side: tile,
  };
}
