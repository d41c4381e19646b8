// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  differences,
  findLinkedCells,
  sameSamples,
  shareProbe,
  sourceAt,
} from '../../../src/domain/comparison/sample_matching';
import type { Level } from '../../../src/wire/atlas';
import { layerLevelOf, repeat } from '../../helpers/layer_fixtures';
import { smallAtlas, smallProvenance, tensor } from '../../helpers/wire_builder';

const provenance = (settings: unknown, probe = 'aa', more = {}) => ({
  provenance: smallProvenance({ settings, probe, ...more }),
});
const classAtlas = (layer: string, ...names: string[]) => ({
  layer_info: {
    class_atlas: { layer, names, classes: names.map((_, i) => i), rule: 'winner', axis: null },
  },
});
const i32 = (values: readonly number[], ...shape: number[]) =>
  tensor('I32', new Int32Array(values), ...shape);

describe('recipes', () => {
  it('differ in what is compared, not in how it is drawn', () => {
    const a = smallAtlas(provenance({ neighbors: 15, icons: 'preview', samples: 6 }));
    const b = smallAtlas(provenance({ neighbors: 30, icons: 'poster', samples: 6, seed: 1 }, 'bb'));
    expect(differences(a, a)).toEqual([]);
    expect(differences(a, b)).toEqual([
      'neighbors (15 and 30)',
      'probe (aa and bb)',
      'seed (not set and 1)',
    ]);
    expect(shareProbe(a, b)).toBe(false);
  });

  it('of class atlases differ in their classes', () => {
    const chosen = (name: string) =>
      smallAtlas(provenance({ neighbors: 15 }, 'aa', classAtlas('layer3', name)));
    expect(differences(chosen('cat'), smallAtlas())).toEqual([
      'classes of a class atlas (cat and not set)',
    ]);
    expect(differences(chosen('cat'), chosen('dog'))).toHaveLength(1);
  });

  it('are named in bounds, whatever a log says', () => {
    const untrusted = smallAtlas(provenance({ ['x\u202e'.repeat(900)]: 'y'.repeat(9000) }));
    const [line = ''] = differences(untrusted, smallAtlas(provenance({})));
    expect(line.length).toBeLessThan(110);
    expect(line).not.toContain('\u202e');
  });
});

describe('same samples', () => {
  it('are row by row in one probe', () => {
    expect([...sameSamples(smallAtlas(), smallAtlas({ layer: 'layer4' }))]).toEqual([
      0, 1, 2, 3, 4, 5,
    ]);
  });

  it('have the same position if classes selected the samples of one layer', () => {
    const places = i32([0, 0, 0, 1, 1, 0, 1, 1, 2, 0, 2, 1], 6, 2);
    const turned = i32([2, 1, 2, 0, 1, 1, 1, 0, 0, 1, 5, 5], 6, 2);
    const ids = i32([10, 11, 12, 13, 14, 15]);
    const back = i32([15, 14, 13, 12, 11, 10]);
    const a = smallAtlas({}, { positions: places, image_ids: ids });
    const b = smallAtlas(provenance({ neighbors: 15 }, 'aa', classAtlas('layer3', 'cat')), {
      positions: turned,
      image_ids: back,
    });
    // The last one is another place of the same image.
    expect([...sameSamples(a, b)]).toEqual([-1, 4, 3, 2, 1, 0]);
  });

  it('of two layers are the nearest receptive fields of one image, each once', () => {
    const at = (...middles: number[]) =>
      i32(
        middles.flatMap((x) => [0, x - 2, 100, x + 2]),
        middles.length,
        4,
      );
    const a = smallAtlas(
      {},
      { image_ids: i32([1, 1, 2, 2, 3, 4]), boxes: at(10, 30, 50, 98, 50, 50) },
    );
    const b = smallAtlas(
      { layer: 'layer4' },
      { image_ids: i32([1, 1, 1, 2, 4, 4]), boxes: at(31, 12, 30, 59, 98, 51) },
    );
    // Image 2 at 50 and 59 is within a tenth of the side; image 3 is not there.
    expect([...sameSamples(a, b)]).toEqual([1, 2, 3, -1, -1, 5]);
  });

  it('are not looked for among any number of pairs', () => {
    const count = 1500;
    const same = repeat([7], count);
    const a = layerLevelOf(repeat([0], count), { images: same });
    const b = layerLevelOf(repeat([0], count + 1), { images: [...same, 7], layer: 'late' });
    expect(sameSamples(a.atlas, b.atlas).every((row) => row === -1)).toBe(true);
  });
});

describe('light', () => {
  it('is the share of a cell’s samples that each cell of another atlas holds', () => {
    const a = layerLevelOf(repeat([0, 5], 4));
    const b = layerLevelOf([1, 1, 1, 2, 2, 2, 2, 3], { layer: 'late' });
    const source = sourceAt(a.atlas, { size: 4, row: 0, col: 0 });
    if (source === null) throw new Error('no cell there');
    const linked = findLinkedCells(source, b.atlas, b.level);
    expect([...linked.rows]).toEqual([0, 1, 2, 3]);
    expect([...linked.shares]).toEqual([0.75, 0.25, 0]);
    expect(linked).toMatchObject({ best: 0, cells: 2 });
  });

  it('counts samples in no visible cell as missing from all of them', () => {
    const a = layerLevelOf(repeat([0], 4));
    const b = layerLevelOf(repeat([1], 4), { layer: 'late' });
    b.level.cellOf.fill(-1, 1);
    const linked = findLinkedCells({ ...a, cell: 0 }, b.atlas, b.level);
    expect(linked.shares[0]).toBe(0.25);
    b.level.cellOf.fill(-1);
    expect(findLinkedCells({ ...a, cell: 0 }, b.atlas, b.level)).toMatchObject({
      best: -1,
      cells: 0,
    });
  });

  it('begins at a drawn cell only', () => {
    const atlas = smallAtlas();
    expect(sourceAt(atlas, { size: 2, row: 0, col: 1 })).toBeNull();
    expect(sourceAt(atlas, { size: 3, row: 0, col: 0 })).toBeNull();
    expect(sourceAt(atlas, null)).toBeNull();
    expect(sourceAt(null, { size: 2, row: 0, col: 0 })).toBeNull();
    expect(sourceAt(atlas, { size: 2, row: 1, col: 1 })?.level).toBe(atlas.levels[0] as Level);
  });
});
