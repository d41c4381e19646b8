// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { DriftValues } from '../../../src/domain/comparison/drift';
import { findFalls, findTurns } from '../../../src/domain/comparison/drift_quantities';
import { type Activations, readActivations } from '../../../src/wire/activations';
import type { Atlas, Level } from '../../../src/wire/atlas';
import { NOT_RECORDED } from '../../../src/wire/attribution';
import { readSafetensors } from '../../../src/wire/safetensors';
import { halfBits } from '../../helpers/class_fixtures';
import { type RawTensor, safetensors, smallAtlas, tensor } from '../../helpers/wire_builder';

const round = (values: Iterable<number> | null) =>
  Array.from(values ?? [], (one) => Math.round(1e3 * one) / 1e3);
const half = (values: readonly number[], ...shape: number[]) =>
  tensor('F16', new Uint16Array(values.map(halfBits)), ...shape);

function valuesOf(found: DriftValues | string): DriftValues {
  if (typeof found === 'string') throw new Error(found);
  return found;
}

/** Around a mean of nothing: two samples to the right, one up, two to the left, one down. */
const BEFORE = [1, 0, 1, 0, 0, 1, -1, 0, -1, 0, 0, -1];
/** By a right angle, not at all, about; not at all; to (3, 4) from (-1, 0), to (-3, -4) from (0, -1). */
const AFTER = [0, 1, 1, 0, 0, -1, -1, 0, 0.6, 0.8, -0.6, -0.8];
const level = smallAtlas().levels[0] as Level;

function storeAs(kind: string, lost: number, tensors: Record<string, RawTensor>): Activations {
  const atlas = smallAtlas({ activations: { kind, lost_variance: lost } });
  return readActivations(atlas, readSafetensors(safetensors(tensors)));
}

const float16 = (values: readonly number[], lost = 0) =>
  storeAs('float16', lost, { values: half(values, 6, 2) });

/** Along axes of length 2 and 4 that lie any way round. */
const pca = (values: readonly number[], axes: readonly number[], lost = 0) => {
  const scores = Array.from({ length: 6 }, (_, row) =>
    [0, 1].map((axis) => {
      const [x, y] = [axes[2 * axis] as number, axes[2 * axis + 1] as number];
      const along = x * (values[2 * row] as number) + y * (values[2 * row + 1] as number);
      return along / (x * x + y * y);
    }),
  );
  return storeAs('pca', lost, {
    scores: half(scores.flat(), 6, 2),
    axes: half(axes, 2, 2),
    mean: tensor('F32', new Float32Array(2)),
  });
};

const uint8 = (values: readonly number[], lost = 0) =>
  storeAs('uint8', lost, {
    codes: tensor(
      'U8',
      Uint8Array.from(values, (value) => Math.round(125 * (value + 1))),
      6,
      2,
    ),
    scale: tensor('F32', new Float32Array([0.008, 0.008])),
    offset: tensor('F32', new Float32Array([-1, -1])),
  });

describe('turns of activations', () => {
  it('are the mean of one less the cosine, around the mean of each layer', () => {
    // 1, 0, 2 in the first cell; 0, 1.6 in the second; .2 outside of both.
    const found = valuesOf(findTurns(float16(BEFORE), float16(AFTER), level));
    expect(round(found.values)).toEqual([1, 0.8]);
    expect(round(found.beyond)).toEqual([0.667, 0.5]);
    expect(found.significant).toBe(2);
    expect(round([found.most, found.mean, found.beyondShare ?? 0])).toEqual([1, 0.8, 0.667]);
    const shifted = float16(AFTER.map((value, i) => value + (i % 2 ? 4 : -2)));
    expect(valuesOf(findTurns(float16(BEFORE), shifted, level)).values[1]).toBeCloseTo(0.8, 2);
  });

  it('are the same in every form, also along other axes at each step', () => {
    expect(round(valuesOf(findTurns(uint8(BEFORE), uint8(AFTER), level)).values)).toEqual([1, 0.8]);
    const [from, to] = [pca(BEFORE, [2, 0, 0, 4]), pca(AFTER, [0, 4, -2, 0])];
    const found = valuesOf(findTurns(from, to, level));
    expect(found.values[0]).toBeCloseTo(1, 3);
    expect(found.values[1]).toBeCloseTo(0.8, 3);
  });

  it('of an unchanged network are nothing, in every form', () => {
    const turned = Math.SQRT1_2 * 2;
    for (const [from, to] of [
      [float16(AFTER), float16(AFTER)],
      [uint8(AFTER), uint8(AFTER)],
      [pca(BEFORE, [2, 0, 0, 4]), pca(BEFORE, [2, 0, 0, 4])],
      [pca(BEFORE, [2, 0, 0, 4]), pca(BEFORE, [turned, turned, 2 * turned, -2 * turned])],
    ] as const) {
      const found = valuesOf(findTurns(from, to, level));
      expect(found.most).toBeLessThan(1e-6);
      expect([found.significant, found.beyondShare]).toEqual([0, 0]);
    }
  });

  it('are significant beyond the storage loss of both steps', () => {
    // All rows have length 1. Of .2 lost a row strays by atan(1 / 2), twice which has a cosine of .6.
    const of = (lost: number) =>
      valuesOf(findTurns(float16(BEFORE, lost), float16(AFTER, lost), level)).beyondShare;
    expect(of(0.2)).toBe(3 / 6);
    // Of .02 by atan(1 / 7), twice which has one of .96: now .2 is significant, too.
    expect(of(0.02)).toBeCloseTo(4 / 6);
    expect(of(1)).toBe(0);
  });

  it('claim no significance where the loss is unknown, and nothing about rows without direction', () => {
    expect(
      valuesOf(findTurns({ ...float16(BEFORE), lostVariance: null }, float16(AFTER), level)),
    ).toMatchObject({
      beyond: null,
      significant: 0,
      beyondShare: null,
    });
    const gone = [0, 0, 0, 0, 0, 0, -1, 0, 0, 0, 1, 0];
    const found = valuesOf(findTurns(float16(gone), float16(AFTER), level));
    expect(round(found.values)).toEqual([Number.NaN, 0]);
    expect(found.significant).toBe(0);
  });

  it('do not compare other channels, nor channels with axes', () => {
    const axes = pca(BEFORE, [2, 0, 0, 4]);
    const wide = { ...float16(BEFORE), channels: 3 };
    for (const [from, to] of [
      [axes, float16(AFTER)],
      [float16(BEFORE), axes],
      [wide, float16(AFTER)],
    ] as const) {
      expect(findTurns(from, to, level)).toContain('directions cannot be compared');
    }
  });
});

describe('falls of the first class', () => {
  /** As in tests/evolution/test_evolution.py, where `attribution_rank` of `compare_atlases` is [1, 0]. */
  const SAID = [0.9, 0.1, 0, 0.2, 0.3, 0.5];
  const SAYS = [0.5, 0.4, 0.6, 0.1, 0.2, 0.9];
  const saying = (values: readonly number[], more: Record<string, RawTensor> = {}): Atlas =>
    smallAtlas({}, { 'grid2.attribution': half(values, 2, values.length / 2), ...more });
  const of = (from: Atlas, to: Atlas) => findFalls(from, to, to.levels[0] as Level);
  const deviating = (by: number) => ({
    'grid2.spread_codes': tensor('U8', new Uint8Array(6).fill(100), 2, 3),
    'grid2.spread_scale': tensor('F32', new Float32Array(2).fill(by / 100)),
  });

  it('are what compare_atlases says where cells hold the same samples', () => {
    const found = valuesOf(of(saying(SAID), saying(SAYS)));
    expect([...found.values]).toEqual([1, 0]);
    expect(found.most).toBe(1);
    expect(found.beyond).toBeNull();
  });

  it('are weighed by members where they do not', () => {
    // Sample 2 has gone to the second cell, where the first class of its old one is the last of three.
    const gone = { 'grid2.cell_of': tensor('I32', new Int32Array([0, 0, 1, 1, 1, -1])) };
    expect(round(valuesOf(of(saying(SAID), saying(SAYS, gone))).values)).toEqual([1, 0.667]);
  });

  it('are significant where the lead changed by more than two errors', () => {
    // From .9 ahead of the third to .1 behind it; 2 · √4 · .4 / √3 = .92, and of .5 it is 1.15.
    const found = valuesOf(of(saying(SAID, deviating(0.4)), saying(SAYS, deviating(0.4))));
    expect(round(found.beyond)).toEqual([1, 0]);
    expect(found.significant).toBe(1);
    const loose = valuesOf(of(saying(SAID, deviating(0.5)), saying(SAYS, deviating(0.5))));
    expect([...loose.values]).toEqual([1, 0]);
    expect(loose.significant).toBe(0);
  });

  it('of an unchanged network are none', () => {
    const found = valuesOf(of(saying(SAID, deviating(0)), saying(SAID, deviating(0))));
    expect([found.most, found.significant, found.mean]).toEqual([0, 0, 0]);
  });

  it('are not known where either is not', () => {
    const torn = [Number.NaN, ...SAID.slice(1)];
    expect([...valuesOf(of(saying(torn), saying(SAYS))).values]).toEqual([Number.NaN, 0]);
    expect([...valuesOf(of(saying(SAID), saying(torn))).values]).toEqual([Number.NaN, 0]);
  });

  it('say why there are none', () => {
    expect(of(smallAtlas(), saying(SAYS))).toBe(NOT_RECORDED);
    expect(of(saying(SAID), smallAtlas())).toBe(NOT_RECORDED);
    expect(of(saying([...SAID, 0, 0]), saying(SAYS))).toContain('different classes');
    expect(of({ ...saying(SAID), levels: [] }, saying(SAYS))).toContain('no 2 × 2 grid');
  });
});
