// SPDX-License-Identifier: Apache-2.0
/** Images with several labels: what cards, the legend, search, and captions show of them. */
import { describe, expect, it } from 'vitest';
import { classMix, describeCell, judge } from '../../src/domain/cell_stats';
import { listClasses } from '../../src/domain/class_choices';
import { coloring } from '../../src/domain/map_colors';
import { rowsOf } from '../../src/domain/sample_rows';
import { patchLabel } from '../../src/ui/sample_patches';
import { type Atlas, classesAt, type Level, readAtlas } from '../../src/wire/atlas';
import { pack, safetensors, smallManifest, smallTensors, tensor } from '../helpers/wire_builder';

/** Cell 0 holds {dog, cat}, {cat} and no label, cell 1 {ship, cat} and {ship}; predicted is cat. */
function severalLabels(): Atlas {
  const { labels: _, ...others } = smallTensors();
  const sets = [1, 0, 0, -1, -1, -1, 2, 0, 2, -1, 0, -1];
  const blob = safetensors({
    ...others,
    label_sets: tensor('I32', new Int32Array(sets), 6, 2),
    predictions: tensor('I32', new Int32Array([0, 0, 0, 0, 0, 1])),
  });
  return readAtlas('s1', 7, pack(smallManifest(), blob));
}

const atlas = severalLabels();
const labels = atlas.labels as Int32Array;
const predictions = atlas.predictions as Int32Array;
const level = atlas.levels[0] as Level;

describe('images with several labels', () => {
  it('have all of them, the rarest first, and other classes have one each', () => {
    expect([...labels]).toEqual([1, 0, -1, 2, 2, 0]);
    expect(Array.from(labels, (_, row) => classesAt(labels, row))).toEqual([
      [1, 0],
      [0],
      [-1],
      [2, 0],
      [2],
      [0],
    ]);
    expect(classesAt(predictions, 5)).toEqual([1]);
  });

  it('count for each label in a cell', () => {
    expect(describeCell(atlas, level, 0, 0)?.mix).toEqual([
      { index: 0, count: 2, share: 2 / 3 },
      { index: -1, count: 1, share: 1 / 3 },
      { index: 1, count: 1, share: 1 / 3 },
    ]);
    expect(classMix(labels, new Int32Array([3, 4]))[0]).toEqual({ index: 2, count: 2, share: 1 });
  });

  it('are predicted correctly if one of their labels is', () => {
    const { known, wrong } = judge(labels, predictions, level, 1);
    expect([[...known], [...wrong]]).toEqual([[3, 4], [4]]);
  });

  it('have shares in the legend, which says whose color a point has', () => {
    const { legend } = coloring(atlas, level, 'class');
    if (legend.kind !== 'classes') throw new Error(legend.kind);
    expect(legend.entries.map(({ label }) => label)).toEqual([
      'cat 67%',
      'dog 17%',
      'ship 33%',
      'unknown',
    ]);
    expect(legend.pointTitle).toBe("Each sample's rarest class");
  });

  it('are found and counted by each label', () => {
    expect([...rowsOf(labels, [0])]).toEqual([0, 1, 3, 5]);
    expect(listClasses(atlas).map(({ note }) => note)).toEqual([
      '4 samples',
      '1 sample',
      '2 samples',
    ]);
  });

  it('are captioned with all labels, and with a prediction that is none of them', () => {
    expect(patchLabel(atlas, 3)).toBe('image 13, ship, cat');
    expect(patchLabel(atlas, 4)).toBe('image 14, ship, predicted cat');
    expect(patchLabel(atlas, 2)).toBe('image 12, unknown, predicted cat');
  });

  it('spread over labels, not samples, in the entropy of a cell', () => {
    const { reading } = coloring(atlas, level, 'entropy');
    // Labels of cell 1: ship, cat, ship.
    const shares = [2 / 3, 1 / 3];
    const bits = shares.reduce((sum, share) => sum - share * Math.log2(share), 0);
    expect(reading?.values[1]).toBeCloseTo(bits);
  });
});
