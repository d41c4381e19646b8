// SPDX-License-Identifier: Apache-2.0
/** Position of the icon of a cell on the sprite pages of its grid, and the pages that a view needs. */

import type { Level } from '../wire/atlas';
import { type Camera, type Viewport, viewOf } from './camera';

/** Grids of so few pages are requested whole, so that nothing arrives late while the view moves. */
const MAX_WHOLE_PAGES = 4;

/** A page of icons; null where it failed, undefined where it is not here. */
export type IconPage = ImageBitmap | null | undefined;

/** Stands for the cells without an icon, which are on no page. */
export const NO_PAGE = -1;

/** Left, top, right, and bottom edge, in cells. */
export type CellBox = readonly [number, number, number, number];

type PagedLevel = Pick<Level, 'entry' | 'kind' | 'rows' | 'cols'>;

const boxesOf = new WeakMap<PagedLevel, ReadonlyMap<number, CellBox>>();

/** Page of the icon of `cell` and its corner on that page, in pixels; null without an icon. */
export function iconPlace(
  level: Pick<Level, 'entry' | 'kind'>,
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

/** The smallest box around the cells of each page; those without an icon are under `NO_PAGE`. */
export function pageBoxes(level: PagedLevel): ReadonlyMap<number, CellBox> {
  const known = boxesOf.get(level);
  if (known !== undefined) return known;
  const boxes = new Map<number, CellBox>();
  level.rows.forEach((row, cell) => {
    const page = iconPlace(level, cell)?.page ?? NO_PAGE;
    const col = level.cols[cell] as number;
    const [left, top, right, bottom] = boxes.get(page) ?? [col, row, col, row];
    boxes.set(page, [
      Math.min(left, col),
      Math.min(top, row),
      Math.max(right, col + 1),
      Math.max(bottom, row + 1),
    ]);
  });
  boxesOf.set(level, boxes);
  return boxes;
}

/** Numbers of the pages of a grid that are requested whatever the view shows: all or none. */
export function wholePages({ entry }: Pick<Level, 'entry'>): readonly number[] {
  return entry.pages.length > MAX_WHOLE_PAGES ? [] : [...entry.pages.keys()];
}

/** Numbers of the pages with the icons in view; all pages of a grid that has only a few. */
export function pagesInView(
  level: PagedLevel & Pick<Level, 'size'>,
  camera: Camera,
  viewport: Viewport,
): readonly number[] {
  const whole = wholePages(level);
  if (whole.length > 0) return whole;
  const { size } = level;
  const [left, top, right, bottom] = viewOf(camera, viewport);
  return [...pageBoxes(level)]
    .filter(([, box]) => box[0] < right * size && box[2] > left * size)
    .filter(([, box]) => box[1] < bottom * size && box[3] > top * size)
    .map(([page]) => page)
    .filter((page) => page !== NO_PAGE);
}
