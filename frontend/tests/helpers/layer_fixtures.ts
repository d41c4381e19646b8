// SPDX-License-Identifier: Apache-2.0
/** Layers that separate clusters of samples, each in a cell of its own on a grid of 4 × 4. */

import type { LayerLevel } from '../../src/domain/comparison/layer_links';
import type { Activations } from '../../src/wire/activations';
import type { Atlas, Level } from '../../src/wire/atlas';
import { blobEntry, smallAtlas, tensor } from './wire_builder';

export const EACH = 30;

export interface FloorOptions {
  readonly layer?: string;
  readonly labels?: readonly number[] | null;
  readonly images?: readonly number[];
  readonly manifest?: Readonly<Record<string, unknown>>;
}

const i32 = (values: readonly number[], ...shape: number[]) =>
  tensor('I32', new Int32Array(values), ...shape);

/** Sample i is of group `groups[i]`, whose cell lies at row group / 4, column group % 4. */
export function layerLevelOf(groups: readonly number[], options: FloorOptions = {}): LayerLevel {
  const { layer = 'mid', labels = null, images = groups.map((_, row) => row) } = options;
  const cells = [...new Set(groups)].sort((a, b) => a - b);
  const count = groups.length;
  const atlas = smallAtlas(
    {
      layer,
      samples: count,
      grids: [{ size: 4, cells: cells.length, tile: null, columns: null }],
      blobs: [blobEntry('map', '0'), blobEntry('activations', '1')],
      ...options.manifest,
    },
    {
      xy: tensor('F32', new Float32Array(2 * count), count, 2),
      image_ids: i32(images),
      boxes: i32(
        groups.flatMap(() => [0, 0, 8, 8]),
        count,
        4,
      ),
      labels: i32(labels ?? groups.map(() => -1)),
      'grid4.rows': i32(cells.map((group) => Math.floor(group / 4))),
      'grid4.cols': i32(cells.map((group) => group % 4)),
      'grid4.counts': i32(cells.map((group) => groups.filter((one) => one === group).length)),
      'grid4.cell_of': i32(groups.map((group) => cells.indexOf(group))),
      'grid4.kind': tensor('U8', new Uint8Array(cells.length)),
      'grid4.cosine': tensor('F32', new Float32Array(cells.length)),
    },
  );
  return { atlas: withoutLabels(atlas, labels === null), level: atlas.levels[0] as Level };
}

function withoutLabels(atlas: Atlas, without: boolean): Atlas {
  return without ? { ...atlas, labels: null } : atlas;
}

export function repeat(values: readonly number[], times: number): number[] {
  return values.flatMap((value) => Array<number>(times).fill(value));
}

/** Every group has a direction of its own; `alike` gives one group that of another. */
export function activationsOf(
  groups: readonly number[],
  alike: Readonly<Record<number, number>> = {},
): Activations {
  const width = 16;
  const values = new Float32Array(width * groups.length);
  groups.forEach((group, row) => {
    values[row * width + (alike[group] ?? group)] = 1;
  });
  return {
    width,
    values,
    mean: new Float32Array(width),
    channels: width,
    kind: 'float16',
    axes: null,
    lostVariance: 0,
  };
}
