// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  classMix,
  describeCell,
  majority,
  membersOf,
  nearestOnMap,
  nextCell,
  smallest,
  tallyIcons,
} from '../../src/domain/cell_stats';
import { nearestByActivation } from '../../src/domain/nearest_samples';
import { readActivations } from '../../src/wire/activations';
import type { Level } from '../../src/wire/atlas';
import { readSafetensors } from '../../src/wire/safetensors';
import { safetensors, smallAtlas, tensor } from '../helpers/wire_builder';

const atlas = smallAtlas();
const level = atlas.levels[0] as Level;

describe('icons of a level', () => {
  it('counts kinds, most frequent first, and icons under the threshold', () => {
    const kind = new Uint8Array([1, 3, 3, 0]);
    const cosine = new Float32Array([0.31, 0.29, Number.NaN, Number.NaN]);
    expect(tallyIcons({ ...level, kind, cosine })).toEqual({
      kinds: [
        ['inversion', 2],
        ['examples', 1],
      ],
      weak: 1,
    });
  });
});

describe('members and classes', () => {
  it('lists members in order and leaves out samples without a cell', () => {
    expect([...membersOf(level, 0)]).toEqual([0, 1, 2]);
    expect([...membersOf(level, 1)]).toEqual([3, 4]);
  });

  it('counts classes, most frequent first and ties by number', () => {
    const values = new Int32Array([5, 2, 2, 5, 9]);
    expect(classMix(values, new Int32Array([0, 1, 2, 3, 4]))).toEqual([
      { index: 2, count: 2, share: 0.4 },
      { index: 5, count: 2, share: 0.4 },
      { index: 9, count: 1, share: 0.2 },
    ]);
  });

  it('finds the majority and the purity of each cell', () => {
    const top = majority(level, atlas.labels as Int32Array);
    expect([...top.index]).toEqual([0, 2]);
    expect(top.share[0]).toBeCloseTo(2 / 3);
    expect(top.share[1]).toBe(1);
  });

  it('describes a cell', () => {
    const facts = describeCell(atlas, level, 0, 0);
    expect(facts).toMatchObject({ count: 3, share: 0.5, kind: 'inversion', mixOf: 'labels' });
    expect(facts?.cosine).toBeCloseTo(0.25);
    expect(describeCell(atlas, level, 1, 1)?.cosine).toBeNull();
    expect(describeCell(atlas, level, 0, 1)).toBeNull();
  });

  it('is a share of all logged samples, of which the tab may have some', () => {
    const counts = tensor('I32', new Int32Array([300, 200]));
    const some = smallAtlas({ logged_samples: 600 }, { 'grid2.counts': counts });
    const facts = describeCell(some, some.levels[0] as Level, 0, 0);
    expect(facts).toMatchObject({ count: 300, share: 0.5 });
    expect(facts?.mix.reduce((sum, { share }) => sum + share, 0)).toBe(1);
  });

  it('falls back to predictions, and to nothing', () => {
    const unlabeled = { ...atlas, labels: null };
    expect(describeCell(unlabeled, level, 0, 0)).toMatchObject({ mixOf: null, mix: [] });
    const predicted = { ...unlabeled, predictions: new Int32Array(6).fill(1) };
    expect(describeCell(predicted, level, 0, 0)).toMatchObject({
      mixOf: 'predictions',
      mix: [{ index: 1, count: 3, share: 1 }],
    });
  });
});

describe('nearest samples', () => {
  it('ranks by distance on the map to the middle of the members', () => {
    expect(nearestOnMap(atlas.xy, new Int32Array([0, 1, 2]), 2)).toEqual([1, 0]);
  });

  it('puts NaN last and keeps ties in order', () => {
    const scores = [Number.NaN, 3, 1, 1];
    expect(smallest(new Int32Array([0, 1, 2, 3]), 4, (i) => scores[i] as number)).toEqual([
      2, 3, 1, 0,
    ]);
  });

  it('ranks by cosine around the mean of the layer', () => {
    // Around the mean (0.5, 0.5) samples 0-2 point to (+,+), straight on, and (+,-).
    const bits: Record<number, number> = { 0: 0, 1: 0x3c00, 2: 0x4000, [-1]: 0xbc00 };
    const rows = [2, 1, 1, 1, 2, 0, 0, 0, -1, 0, -1, 1];
    const values = new Uint16Array(rows.map((value) => bits[value] as number));
    const read = readActivations(
      atlas,
      readSafetensors(safetensors({ values: tensor('F16', values, 6, 2) })),
    );
    expect([...read.mean]).toEqual([0.5, 0.5]);
    // The members' mean is (1.167, 0.167) from the layer's; angles to it are 10, 37 and 27 degrees.
    expect(nearestByActivation(read, new Int32Array([0, 1, 2]), 3)).toEqual([0, 2, 1]);
  });

  it('reads 8-bit activations by their scale and offset', () => {
    const coded = {
      ...atlas,
      manifest: {
        ...atlas.manifest,
        fields: {
          ...atlas.manifest.fields,
          activations: { kind: 'uint8' as const, lost_variance: 0 },
        },
      },
    };
    const read = readActivations(
      coded,
      readSafetensors(
        safetensors({
          codes: tensor('U8', new Uint8Array([0, 10, 2, 10, 4, 10, 0, 10, 2, 10, 4, 10]), 6, 2),
          scale: tensor('F32', new Float32Array([0.5, 0])),
          offset: tensor('F32', new Float32Array([-1, 3])),
        }),
      ),
    );
    expect([...read.values.subarray(0, 6)]).toEqual([-1, 3, 0, 3, 1, 3]);
    expect([...read.mean]).toEqual([0, 3]);
  });

  it('lays principal axes out as long as scores along them deviate', () => {
    const axes = {
      ...atlas,
      manifest: {
        ...atlas.manifest,
        fields: {
          ...atlas.manifest.fields,
          activations: { kind: 'pca' as const, lost_variance: 0 },
        },
      },
    };
    const bits: Record<number, number> = { 0: 0, 1: 0x3c00, 2: 0x4000, 3: 0x4200, 4: 0x4400 };
    const half = (...of: number[]) =>
      tensor('F16', new Uint16Array(of.map((value) => bits[value] as number)), of.length / 2, 2);
    const read = readActivations(
      axes,
      readSafetensors(
        safetensors({
          scores: half(1, 0, 0, 1, 1, 1, 0, 0, 2, 2, 2, 2),
          axes: half(3, 4, 0, 2),
          mean: tensor('F32', new Float32Array(2)),
        }),
      ),
    );
    expect([...read.values.subarray(0, 6)]).toEqual([5, 0, 0, 2, 5, 2]);
    expect([...(read.axes ?? [])].map((one) => Math.round(10 * one) / 10)).toEqual([
      0.6, 0.8, 0, 1,
    ]);
    expect(read).toMatchObject({ width: 2, channels: 2, mean: Float32Array.of(5, 2) });
  });
});

describe('nextCell', () => {
  /** Cells of a 4 × 4 grid by [row, column]. */
  const at = (...places: [number, number][]) =>
    ({
      ...level,
      size: 4,
      rows: Int32Array.from(places, ([row]) => row),
      cols: Int32Array.from(places, ([, col]) => col),
    }) as Level;

  it('goes along the line, over gaps', () => {
    expect(nextCell(at([0, 0], [0, 3], [1, 1]), 0, 0, 1, 0)).toEqual({ row: 0, col: 3 });
  });

  it('leaves the line if it is empty', () => {
    expect(nextCell(at([0, 0], [1, 2]), 0, 0, 1, 0)).toEqual({ row: 1, col: 2 });
  });

  it('stays at the rim', () => {
    expect(nextCell(at([0, 0], [1, 2]), 0, 0, -1, 0)).toBeNull();
  });
});
