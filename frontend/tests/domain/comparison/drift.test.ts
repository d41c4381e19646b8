// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { cellPlaces, explainUnpairing, movesOf } from '../../../src/domain/comparison/atlas_pairs';
import {
  findAttributionChange,
  findDifference,
  formatGain,
  largestChanges,
} from '../../../src/domain/comparison/difference';
import { findDrift, floorOf } from '../../../src/domain/comparison/drift';
import type { Atlas, Level } from '../../../src/wire/atlas';
import { NOT_RECORDED } from '../../../src/wire/attribution';
import { ATTRIBUTION, attributionAtlas, halfBits, halves } from '../../helpers/class_fixtures';
import { smallAtlas, smallProvenance, tensor } from '../../helpers/wire_builder';

const f32 = (...values: number[]) => tensor('F32', new Float32Array(values));
const places = (...values: number[]) => ({ xy: tensor('F32', new Float32Array(values), 6, 2) });
const round = (values: Iterable<number>) =>
  Array.from(values, (one) => Math.round(1e3 * one) / 1e3);

const before = { ...smallAtlas(), step: 3 };
const levelBefore = before.levels[0] as Level;

/** Every sample 0.3 to the right, but sample 1, which moves by 0.01. */
const moved = [0.4, 0.1, 0.21, 0.2, 0.6, 0.3, 1.0, 0.8, 1.0, 0.9, 0.9, 0.4];
function later(floor: number | null): { now: Atlas; level: Level } {
  const floors = floor === null ? {} : { noise_floor: f32(...Array<number>(6).fill(floor)) };
  const now = smallAtlas({}, { ...places(...moved), ...floors });
  return { now, level: now.levels[0] as Level };
}

describe('pairs', () => {
  it('are of one probe and the same samples', () => {
    expect(explainUnpairing(before, later(null).now)).toBeNull();
  });

  it('say why they are none', () => {
    const probe = { provenance: smallProvenance({ probe: 'bb' }) };
    expect(explainUnpairing(before, smallAtlas(probe))).toContain('different probes');
    const others = { image_ids: tensor('I32', new Int32Array([10, 11, 12, 13, 14, 99])) };
    expect(explainUnpairing(before, smallAtlas({}, others))).toContain('different samples');
    expect(explainUnpairing(before, { ...smallAtlas(), count: 5 })).toContain('5');
  });

  it('measure how far samples moved, and the mean position of cells', () => {
    expect(round(movesOf(before.xy, later(null).now.xy))).toEqual([0.3, 0.01, 0.3, 0.2, 0.1, 0.3]);
    // Samples 0, 1, 2 lie at .1, .2, .3; samples 3 and 4 at .8 and .9.
    expect(round(cellPlaces(levelBefore, before.xy))).toEqual([0.2, 0.2, 0.85, 0.85]);
  });
});

describe('drift', () => {
  it('goes from where the members were to where they are', () => {
    const { now, level } = later(0.15);
    const drift = findDrift(before, now, level);
    expect(round(drift.from)).toEqual([0.2, 0.2, 0.85, 0.85]);
    expect(round(drift.to)).toEqual([0.403, 0.2, 1, 0.85]);
    expect(round([drift.mean])).toEqual([0.202]);
  });

  it('is significant where most members moved farther than the noise floor', () => {
    const { now, level } = later(0.15);
    const { beyond, significant, beyondShare } = findDrift(before, now, level);
    // Two of three in cell 0; of cell 1 sample 3 (.2) but not 4 (.1); four of all six.
    expect(round(beyond ?? [])).toEqual([0.667, 0.5]);
    expect(significant).toBe(2);
    expect(beyondShare).toBeCloseTo(4 / 6);
    const calm = later(0.25);
    expect(findDrift(before, calm.now, calm.level).significant).toBe(1);
  });

  it('claims no significance without a floor', () => {
    const { now, level } = later(null);
    expect(findDrift(before, now, level)).toMatchObject({
      beyond: null,
      significant: 0,
      beyondShare: null,
    });
  });

  it('of an unchanged model is none', () => {
    const now = smallAtlas({}, { noise_floor: f32(0, 0, 0, 0, 0, 0) });
    const drift = findDrift(before, now, now.levels[0] as Level);
    expect([drift.significant, drift.mean, drift.beyondShare]).toEqual([0, 0, 0]);
  });

  it('uses the floor of the later step, whichever is A', () => {
    const { now } = later(0.15);
    expect(floorOf(before, now)).toBe(now.noiseFloor);
    expect(floorOf(now, before)).toBe(now.noiseFloor);
  });
});

describe('difference of attribution', () => {
  const was = attributionAtlas();
  const level = was.levels[0] as Level;
  /** Each cell half a logit more toward dog, the third one less. */
  const later = (more = {}) => {
    const shift = [0.5, 0.5, -1, 0.5];
    const now = ATTRIBUTION.map((row, cell) =>
      row.map((value, index) => value + (index === 1 ? (shift[cell] as number) : 0)),
    );
    const bits = new Uint16Array(now.flat().map(halfBits));
    return attributionAtlas({ 'grid2.attribution': tensor('F16', bits, 4, 3), ...more });
  };
  const of = (a: Atlas, b: Atlas, toward = 1) =>
    findAttributionChange(a, a.levels[0] as Level, b, b.levels[0] as Level, toward);

  it('is B minus A in every cell, with its sign', () => {
    const found = of(was, later());
    expect(found).toMatchObject({ gained: 0.5, lost: 1, toward: 1, onlyA: 0, onlyB: 0, moved: 0 });
    if (typeof found === 'string') throw new Error(found);
    expect(found.changes.map(({ gain, significant }) => [gain, significant])).toEqual([
      [0.5, null],
      [0.5, null],
      [-1, null],
      [0.5, null],
    ]);
    expect([formatGain(found, 0.5), formatGain(found, -1)]).toEqual(['+.50', '−1.00']);
  });

  it('is significant beyond two standard errors of the means', () => {
    // The deviation of every cell is 0.6, of 10, 9, 8 and 4 samples: 2 · 0.6 · √(2 / n).
    const spread = {
      'grid2.spread_codes': tensor('U8', new Uint8Array(12).fill(60), 4, 3),
      'grid2.spread_scale': tensor('F32', new Float32Array(4).fill(0.01)),
    };
    const found = of(attributionAtlas({ ...halves, ...spread }), later(spread));
    if (typeof found === 'string') throw new Error(found);
    expect(found.changes.map(({ significant }) => significant)).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(found.moved).toBe(1);
  });

  it('knows nothing of cells of one step alone, nor of classes without a value', () => {
    const found = of(
      { ...was, levels: [{ ...level, lookup: Int32Array.of(0, -1, 2, 3) }] },
      later(),
    );
    expect(found).toMatchObject({ onlyB: 1 });
    if (typeof found === 'string') throw new Error(found);
    expect(found.changes[1]).toMatchObject({ drawn: 'b', gain: 0, significant: null });
    const ship = of(was, later(), 2);
    expect(typeof ship === 'string' ? [] : ship.changes.map(({ gain }) => gain)).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it('says why there is none', () => {
    expect(of(attributionAtlas({}), later())).toBe(NOT_RECORDED);
    expect(of(was, attributionAtlas({}))).toBe(NOT_RECORDED);
  });
});

describe('difference', () => {
  it('counts what every square gained, lost, and which cells are of one step alone', () => {
    // Sample 2 goes from the top left to the top right, where a cell is now drawn.
    const grid = {
      'grid2.rows': tensor('I32', new Int32Array([0, 0])),
      'grid2.cols': tensor('I32', new Int32Array([0, 1])),
      'grid2.counts': tensor('I32', new Int32Array([2, 2])),
      'grid2.cell_of': tensor('I32', new Int32Array([0, 0, 1, -1, -1, 1])),
    };
    const floor = { noise_floor: f32(...Array<number>(6).fill(0.15)) };
    const b = smallAtlas({}, { ...places(...moved), ...grid, ...floor });
    const found = findDifference(before, levelBefore, b, b.levels[0] as Level);
    expect(found.changes).toEqual([
      { row: 0, col: 0, gain: -1, known: true, drawn: 'both', significant: true },
      { row: 0, col: 1, gain: 1, known: true, drawn: 'b', significant: true },
      { row: 1, col: 1, gain: 0, known: true, drawn: 'a', significant: null },
    ]);
    expect(found).toMatchObject({ gained: 1, lost: 1, onlyA: 1, onlyB: 1, moved: 1 });
    expect(largestChanges(found, 1)).toEqual([found.changes[0]]);
  });

  it('is not significant within the floor, and unknown without a floor', () => {
    const calm = later(0.5);
    const [first] = findDifference(before, levelBefore, calm.now, calm.level).changes;
    expect(first).toMatchObject({ gain: -1, significant: false });
    const bare = later(null);
    expect(
      findDifference(before, levelBefore, bare.now, bare.level).changes[0]?.significant,
    ).toBeNull();
  });

  it('of a step with itself is nothing', () => {
    const found = findDifference(before, levelBefore, before, levelBefore);
    expect(found.changes.map(({ gain }) => gain)).toEqual([0, 0]);
    expect(found.moved).toBe(0);
  });
});
