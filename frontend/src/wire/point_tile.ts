// SPDX-License-Identifier: Apache-2.0
/** Tiles of points: samples of a part of the map that did not come with the atlas. */

import type { Atlas } from './atlas';
import type { Tensors } from './safetensors';

/** What is drawn of samples. */
export type Points = Pick<Atlas, 'count' | 'xy' | 'labels' | 'predictions' | 'concepts'>;

/** Of the arrays, the first `count` entries are drawn. */
export interface PointTile extends Points {
  /** 1 for samples that are in no cell wherever they are on the map. */
  readonly outside: Int32Array;
  /** Samples of its part of the map that did not come with the atlas; the tile has the first of them. */
  readonly hidden: number;
}

const COLUMNS = 6;
const LAST_CODE = 65_535;

export function readPointTile({ manifest }: Atlas, tensors: Tensors): PointTile {
  const count = tensors.shape('points')[0] as number;
  const codes = tensors.read('points', 'U16', [count, COLUMNS]);
  const column = (at: number, read: (code: number) => number) =>
    Int32Array.from({ length: count }, (_, i) => read(codes[COLUMNS * i + at] as number));
  const classOf = (code: number) => code - 1;
  return {
    count,
    xy: Float32Array.from(
      { length: 2 * count },
      (_, i) => (codes[COLUMNS * (i >> 1) + (i & 1)] as number) / LAST_CODE,
    ),
    labels: column(2, classOf),
    predictions: column(3, classOf),
    concepts: column(4, (code) => manifest.fields.concepts?.[code - 1]?.id ?? -1),
    outside: column(5, Number),
    hidden: tensors.int32('hidden', 1)[0] as number,
  };
}
