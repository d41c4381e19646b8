// SPDX-License-Identifier: Apache-2.0
/** Where the icon of a cell lies on the pages of its grid. */

import type { Level } from '../wire/atlas';

/** Where icon `cell` lies: its page, and its pixel corner on that page. Null without an icon. */
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
