// SPDX-License-Identifier: Apache-2.0
/** Two steps of one series, of which it can be worked out by hand what changed. */

import type { Level } from '../../src/wire/atlas';
import { smallAtlas, tensor } from './wire_builder';

export const series = {
  id: 's1',
  layer: 'layer3',
  steps: [0, 10, 40],
  wallTimes: [0, 1, 2],
  versions: ['a', 'b', 'c'],
  shortcuts: [],
};

export const a = { ...smallAtlas(), step: 10, series: 's1' };
/** Samples 0 and 2 have gone from the top left to the top right, where a cell is now drawn. */
const places = [0.9, 0.1, ...a.xy.subarray(2, 4), 0.9, 0.3, ...a.xy.subarray(6)];
export const moved = {
  xy: tensor('F32', new Float32Array(places), 6, 2),
  'grid2.rows': tensor('I32', new Int32Array([0, 0])),
  'grid2.cols': tensor('I32', new Int32Array([0, 1])),
  'grid2.counts': tensor('I32', new Int32Array([1, 2])),
  'grid2.cell_of': tensor('I32', new Int32Array([1, 0, 1, -1, -1, -1])),
};
const floor = { noise_floor: tensor('F32', new Float32Array(6).fill(0.05)) };
export const b = { ...smallAtlas({}, { ...moved, ...floor }), step: 40, series: 's1' };
export const level = b.levels[0] as Level;
