// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { FIT } from '../../src/domain/camera';
import { NO_PAGE, pageBoxes, pagesInView, wholePages } from '../../src/domain/icon_sprites';
import type { GridEntry } from '../../src/wire/manifest';

/** A full grid of `size` rows whose icons take one page for each two rows; cell 0 has none. */
function fullLevel(size: number) {
  const cells = size * size;
  const columns = Math.sqrt(2 * size);
  const entry = {
    tile: 8,
    columns,
    pages: Array.from({ length: size / 2 }, (_, blob) => ({ blob, crc32c: '00000000' })),
  } as unknown as GridEntry;
  return {
    entry,
    size,
    kind: Uint8Array.from({ length: cells }, (_, cell) => (cell === 0 ? 0 : 1)),
    rows: Int32Array.from({ length: cells }, (_, cell) => Math.floor(cell / size)),
    cols: Int32Array.from({ length: cells }, (_, cell) => cell % size),
  };
}

/** The map takes 800 CSS px at zoom 1. */
const viewport = { width: 840, height: 840 };

describe('pages of icons', () => {
  it('have the smallest boxes around their cells', () => {
    const boxes = pageBoxes(fullLevel(32));
    expect(boxes.size).toBe(17);
    expect(boxes.get(NO_PAGE)).toEqual([0, 0, 1, 1]);
    expect(boxes.get(0)).toEqual([0, 0, 32, 2]);
    expect(boxes.get(15)).toEqual([0, 30, 32, 32]);
  });

  it('are needed where the view shows their cells', () => {
    const level = fullLevel(32);
    expect(pagesInView(level, FIT, viewport)).toHaveLength(16);
    // 840 px are 4.2 of 32 rows at zoom 8.
    expect(pagesInView(level, { x: 0.5, y: 0.5, z: 8 }, viewport)).toEqual([6, 7, 8, 9]);
    expect(pagesInView(level, { x: 0.5, y: 0, z: 8 }, viewport)).toEqual([0, 1]);
    expect(pagesInView(level, { x: 1, y: 1, z: 60 }, viewport)).toEqual([15]);
  });

  it('are all needed if there are only a few', () => {
    const level = fullLevel(8);
    expect(pagesInView(level, { x: 1, y: 1, z: 60 }, viewport)).toEqual([0, 1, 2, 3]);
    expect(wholePages(level)).toEqual([0, 1, 2, 3]);
    expect(wholePages(fullLevel(32))).toEqual([]);
  });
});
