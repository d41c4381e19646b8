// SPDX-License-Identifier: Apache-2.0
/** An atlas whose results of class filters can be computed by hand. */

import type { Atlas } from '../../src/wire/atlas';
import { blobEntry, type RawTensor, smallAtlas, tensor } from './wire_builder';

/** Samples of the four cells, in reading order: the last has too few. */
export const COUNTS = [10, 9, 8, 4];
/** Toward cat, dog, ship, of every cell; all are halves exactly. */
export const ATTRIBUTION = [
  [0.5, -0.25, 0],
  [-1, 0.125, 0.25],
  [0.25, 0.75, Number.NaN],
  [2, -3, 0.5],
];
/** Samples of the cells by class: 6 of 10 cats, 9 of 9 dogs, 4 and 4 (the tie goes to cat), 4 ships. */
const LABELS = [
  [0, 0, 0, 0, 0, 0, 1, 1, 2, 2],
  [1, 1, 1, 1, 1, 1, 1, 1, 1],
  [0, 0, 0, 0, 1, 1, 1, 1],
  [2, 2, 2, 2],
];

export function halfBits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = Math.abs(value) / 2 ** exponent - 1;
  return (value < 0 ? 0x8000 : 0) + ((exponent + 15) << 10) + Math.round(fraction * 1024);
}

export const halves: Record<string, RawTensor> = {
  'grid2.attribution': tensor('F16', new Uint16Array(ATTRIBUTION.flat().map(halfBits)), 4, 3),
};

/** One grid of 2 × 2 with all four cells drawn, and the attribution that `more` holds. */
export function attributionAtlas(
  more: Record<string, RawTensor> = halves,
  manifest: Record<string, unknown> = {},
): Atlas {
  const labels = LABELS.flat();
  const cells = COUNTS.flatMap((count, cell) => Array<number>(count).fill(cell));
  const xy = cells.flatMap((cell) => [0.25 + 0.5 * (cell % 2), 0.25 + 0.5 * Math.floor(cell / 2)]);
  return smallAtlas(
    {
      samples: 31,
      blobs: [blobEntry('map', '00000000')],
      grids: [{ size: 2, cells: 4, tile: null, columns: null }],
      ...manifest,
    },
    {
      xy: tensor('F32', new Float32Array(xy), 31, 2),
      image_ids: tensor(
        'I32',
        Int32Array.from(labels, (_, i) => i),
      ),
      boxes: tensor('I32', new Int32Array(4 * 31), 31, 4),
      labels: tensor('I32', new Int32Array(labels)),
      'grid2.rows': tensor('I32', new Int32Array([0, 0, 1, 1])),
      'grid2.cols': tensor('I32', new Int32Array([0, 1, 0, 1])),
      'grid2.counts': tensor('I32', new Int32Array(COUNTS)),
      'grid2.cell_of': tensor('I32', new Int32Array(cells)),
      'grid2.kind': tensor('U8', new Uint8Array(4)),
      'grid2.cosine': tensor('F32', new Float32Array(4).fill(Number.NaN)),
      ...more,
    },
  );
}
