// SPDX-License-Identifier: Apache-2.0
/** Atlases whose cells belong to concepts as in a picture. */

import type { Atlas, Level } from '../../src/wire/atlas';
import { blobEntry, smallAtlas, tensor } from './wire_builder';

/** The manifest's entry of a concept. */
export function conceptEntry(id: number, name: string, size: number, change = {}) {
  return {
    ...{ id, name, size, top_class: null, top_share: 0, born: 0, confidence: 1 },
    ...{ group: null, joined: null, left: null, ...change },
  };
}

/** Ids of the letters of pictures. */
export const ID = { a: 1, b: 2, c: 3, d: 4 } as const;

/**
 * One sample for each character: `a` to `d` in the concepts 1 to 4, `.` in none, and none at a space.
 * Concepts are larger in the order of their letters, and named by `nameOf`.
 */
export function drawAtlas(
  picture: readonly string[],
  nameOf: (letter: string) => string = (letter) => letter,
): { readonly atlas: Atlas; readonly level: Level } {
  const size = picture.length;
  const cells = picture.flatMap((line, row) =>
    [...line].flatMap((letter, col) => (letter === ' ' ? [] : [{ letter, row, col }])),
  );
  const count = cells.length;
  const ints = (values: readonly number[]) => tensor('I32', Int32Array.from(values));
  const atlas = smallAtlas(
    {
      samples: count,
      grids: [{ size, cells: count, tile: 8, columns: size }],
      blobs: [
        blobEntry('map', '00000000'),
        blobEntry('activations', '00000001'),
        { ...blobEntry('sheet', '00000002'), grid: size, page: 0 },
      ],
      concepts: Object.entries(ID).map(([letter, id]) =>
        conceptEntry(id, nameOf(letter), 100 - id),
      ),
    },
    {
      xy: tensor(
        'F32',
        Float32Array.from(
          cells.flatMap(({ row, col }) => [(col + 0.5) / size, (row + 0.5) / size]),
        ),
        count,
        2,
      ),
      image_ids: ints(cells.map((_, i) => i)),
      boxes: tensor('I32', new Int32Array(4 * count), count, 4),
      labels: ints(cells.map(() => 0)),
      concepts: ints(cells.map(({ letter }) => ID[letter as keyof typeof ID] ?? -1)),
      [`grid${size}.rows`]: ints(cells.map(({ row }) => row)),
      [`grid${size}.cols`]: ints(cells.map(({ col }) => col)),
      [`grid${size}.counts`]: ints(cells.map(() => 1)),
      [`grid${size}.cell_of`]: ints(cells.map((_, i) => i)),
      [`grid${size}.kind`]: tensor('U8', new Uint8Array(count)),
      [`grid${size}.cosine`]: tensor('F32', new Float32Array(count)),
    },
  );
  return { atlas, level: atlas.levels[0] as Level };
}
