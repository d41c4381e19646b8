// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { FIT } from '../../src/domain/camera';
import {
  applyFilter,
  type Filter,
  type FilterResult,
  heatOf,
  readFilter,
  type Sign,
  writeFilter,
} from '../../src/domain/class_filter';
import { type State, Store } from '../../src/state/store';
import { closeUp } from '../../src/state/zoom_to_cell';
import type { Atlas, Level } from '../../src/wire/atlas';
import {
  findAttribution,
  formatFractionWithSign,
  NOT_RECORDED,
  strongestClasses,
} from '../../src/wire/attribution';
import { ATTRIBUTION, attributionAtlas, halves } from '../helpers/class_fixtures';
import { tensor } from '../helpers/wire_builder';

const atlas = attributionAtlas();
const level = atlas.levels[0] as Level;
const top = (...classes: number[]): Filter => ({ kind: 'top', classes, sign: 'helps' });
const toward = (sign: Sign, ...classes: number[]): Filter => ({ kind: 'toward', classes, sign });

function resultOf(filter: Filter, of: Atlas = atlas): FilterResult {
  const found = applyFilter(of, of.levels[0] as Level, filter);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

describe('attribution', () => {
  it('is read from halves as it was written', () => {
    const found = findAttribution(atlas, level);
    if (typeof found === 'string') throw new Error(found);
    expect(found.classes).toBe(3);
    expect(ATTRIBUTION.map((row, cell) => row.map((_, index) => found.at(cell, index)))).toEqual(
      ATTRIBUTION,
    );
  });

  it('is read from steps: the code less 128, times the scale of the cell', () => {
    const codes = [255, 128, 1, 129, 127, 128, 0, 0, 0, 130, 126, 128];
    const stepped = attributionAtlas({
      'grid2.attribution_codes': tensor('U8', new Uint8Array(codes), 4, 3),
      'grid2.attribution_scale': tensor('F32', new Float32Array([0.5, 2, Number.NaN, 1])),
    });
    const found = findAttribution(stepped, stepped.levels[0] as Level);
    if (typeof found === 'string') throw new Error(found);
    expect([0, 1, 2].map((index) => found.at(0, index))).toEqual([63.5, 0, -63.5]);
    expect([0, 1, 2].map((index) => found.at(1, index))).toEqual([2, -2, 0]);
    expect(found.at(2, 0)).toBeNaN();
    expect(found.at(3, 0)).toBe(2);
    expect(resultOf(toward('helps', 0), stepped).passes).toEqual(new Uint8Array([1, 1, 0, 1]));
  });

  it('has the spread of its samples where that was recorded', () => {
    const spread = attributionAtlas({
      ...halves,
      'grid2.spread_codes': tensor('U8', new Uint8Array([4, 0, 255, ...Array(9).fill(1)]), 4, 3),
      'grid2.spread_scale': tensor('F32', new Float32Array([0.5, Number.NaN, 1, 1])),
    });
    const found = findAttribution(spread, spread.levels[0] as Level);
    if (typeof found === 'string' || found.spread === null) throw new Error(String(found));
    expect([0, 1, 2].map((index) => found.spread?.(0, index))).toEqual([2, 0, 127.5]);
    expect(found.spread(1, 0)).toBeNaN();
    const without = findAttribution(atlas, level);
    expect(typeof without === 'string' ? '' : without.spread).toBeNull();
  });

  it('refuses a spread of another shape than its attribution in words', () => {
    const odd = attributionAtlas({
      ...halves,
      'grid2.spread_codes': tensor('U8', new Uint8Array(3), 1, 3),
      'grid2.spread_scale': tensor('F32', new Float32Array(4)),
    });
    expect(findAttribution(odd, odd.levels[0] as Level)).toContain('grid2.spread_codes');
  });

  it('names the setting where it was not recorded', () => {
    const bare = attributionAtlas({});
    expect(findAttribution(bare, bare.levels[0] as Level)).toBe(NOT_RECORDED);
    expect(applyFilter(bare, bare.levels[0] as Level, toward('helps', 0))).toBe(NOT_RECORDED);
    expect(NOT_RECORDED).toContain('AtlasConfig(attribution=True)');
  });

  it('says what is wrong with arrays that contradict the grid', () => {
    const odd = attributionAtlas({ 'grid2.attribution': tensor('F16', new Uint16Array(6), 2, 3) });
    expect(findAttribution(odd, odd.levels[0] as Level)).toContain('has shape [2,3]');
    const alone = attributionAtlas({
      'grid2.attribution_codes': tensor('U8', new Uint8Array(12), 4, 3),
    });
    expect(findAttribution(alone, alone.levels[0] as Level)).toContain('is missing');
  });

  it('lists the classes that a cell has attribution for and against', () => {
    const found = findAttribution(atlas, level);
    if (typeof found === 'string') throw new Error(found);
    expect(strongestClasses(found, 1, 1)).toEqual({
      helps: [{ index: 2, value: 0.25 }],
      hurts: [{ index: 0, value: -1 }],
    });
    expect(strongestClasses(found, 2, 5).helps.map(({ index }) => index)).toEqual([1, 0]);
    expect(strongestClasses(found, 2, 5).hurts).toEqual([]);
  });

  it('is formatted with two digits of the strongest', () => {
    expect(formatFractionWithSign(0.314)).toBe('+.31');
    expect(formatFractionWithSign(-0.00123)).toBe('−.0012');
    expect(formatFractionWithSign(2.346)).toBe('+2.35');
    expect(formatFractionWithSign(-1234.4)).toBe('−1234');
    expect(formatFractionWithSign(0)).toBe('0');
    expect(formatFractionWithSign(-0.0123, 0.31)).toBe('−.01');
    expect(formatFractionWithSign(0.0001, 0.31)).toBe('+0');
  });
});

describe('a filter in the address', () => {
  it('goes there and back', () => {
    for (const filter of [top(), top(3), top(3, 7), toward('both', 0), toward('hurts')]) {
      expect(readFilter(writeFilter(filter))).toEqual(filter);
    }
    expect(writeFilter(top())).toEqual({ filter: '', sign: '' });
    expect(writeFilter(toward('both', 3, 5))).toEqual({ filter: 'toward:3,5', sign: 'both' });
  });

  it('believes nothing of what stands there', () => {
    const none = top();
    for (const filter of ['', 'x', 'top', 'top:', 'top:-1', 'top:1e3', 'top:<b>', '__proto__:a']) {
      expect(readFilter({ filter, sign: 'constructor' })).toEqual(none);
    }
    expect(readFilter({ filter: 'toward:4,4,x,2,9,1,0', sign: 'hurts' })).toEqual(
      toward('hurts', 4, 2, 9, 1),
    );
    expect(readFilter({ filter: `top:1${',1'.repeat(1e5)}`, sign: '' }).classes).toEqual([1]);
  });
});

describe('top class', () => {
  it('passes by majority, ranked by share; a tie goes to the lower class', () => {
    const found = resultOf(top(0));
    expect(found.passes).toEqual(new Uint8Array([1, 0, 1, 0]));
    expect(found.ranked).toEqual([0, 2]);
    expect(found.values[0]).toBeCloseTo(0.6);
    expect(found.values[2]).toBe(0.5);
    expect(found.range?.map((value) => value.toFixed(2))).toEqual(['0.50', '0.60']);
  });

  it('says which of several classes a cell is about', () => {
    const found = resultOf(top(1, 0));
    expect(found.which).toEqual(new Int8Array([1, 0, 1, -1]));
    expect(found.ranked).toEqual([1, 0, 2]);
  });

  it('marks cells of few samples and does not rank them', () => {
    const found = resultOf(top(2));
    expect(found).toMatchObject({ passing: 1, sparse: 1, ranked: [], range: null });
    expect(heatOf(found, 'top', 3, found.most)).toBe(1);
  });

  it('uses predictions if there are no labels, and reports if there are neither', () => {
    const { labels } = atlas;
    const predicted = { ...attributionAtlas(), labels: null, predictions: labels };
    expect(resultOf(top(0), predicted).ranked).toEqual([0, 2]);
    const bare = { ...attributionAtlas(), labels: null };
    expect(applyFilter(bare, bare.levels[0] as Level, top(0))).toContain(
      'No labels or predictions',
    );
  });

  it('passes no cell for a class that is nowhere on top', () => {
    expect(resultOf(top(77))).toMatchObject({ passing: 0, most: 0, range: null });
  });
});

describe('attribution toward a class', () => {
  it('helps: above 0, strongest first', () => {
    const found = resultOf(toward('helps', 0));
    expect(found.passes).toEqual(new Uint8Array([1, 0, 1, 1]));
    expect(found.ranked).toEqual([0, 2]);
    // The 2 of the last cell is of four samples: it must not set the scale.
    expect(found).toMatchObject({ passing: 3, sparse: 1, most: 0.5, range: [0.25, 0.5] });
    expect([0, 1, 2, 3].map((cell) => heatOf(found, 'toward', cell, found.most))).toEqual([
      1, 0, 0.5, 1,
    ]);
  });

  it('hurts: below 0', () => {
    const found = resultOf(toward('hurts', 0));
    expect(found.passes).toEqual(new Uint8Array([0, 1, 0, 0]));
    expect(found.range).toEqual([-1, -1]);
  });

  it('both: by size, with one scale for the two signs', () => {
    const found = resultOf(toward('both', 0));
    expect(found.ranked).toEqual([1, 0, 2]);
    expect(found).toMatchObject({ most: 1, range: [-1, 0.5], passing: 4, sparse: 1 });
  });

  it('selects the strongest of several classes for the sign', () => {
    expect([...resultOf(toward('helps', 0, 1)).which]).toEqual([0, 1, 1, 0]);
    expect([...resultOf(toward('hurts', 0, 1)).which]).toEqual([1, 0, 0, 1]);
    expect([...resultOf(toward('both', 0, 1)).values]).toEqual([0.5, -1, 0.75, -3]);
  });

  it('knows nothing of a cell without a number', () => {
    const found = resultOf(toward('both', 2));
    expect(found.values[2]).toBeNaN();
    expect(found.passes).toEqual(new Uint8Array([0, 1, 0, 1]));
  });

  it('says that a class of the address is not of this run', () => {
    expect(applyFilter(atlas, level, toward('helps', 9))).toBe('This run has no class 9.');
  });

  it('needs loaded samples for shares, and all samples for attribution', () => {
    const counts = tensor('I32', new Int32Array([400, 400, 400, 400]));
    const some = attributionAtlas({ ...halves, 'grid2.counts': counts }, { logged_samples: 1600 });
    const { loaded } = some.levels[0] as Level;
    const rankable = [...loaded.keys()].filter((cell) => (loaded[cell] as number) >= 8);
    const shares = resultOf(top(0, 1, 2), some);
    expect([...shares.ranked].sort()).toEqual(rankable);
    expect(shares.sparse).toBeGreaterThan(0);
    expect(resultOf(toward('both', 0), some).sparse).toBe(0);
  });

  it('falls back to the sparse cells for a scale where there are no others', () => {
    const few = attributionAtlas({
      ...halves,
      'grid2.counts': tensor('I32', new Int32Array([4, 4, 4, 4])),
    });
    expect(resultOf(toward('both', 0), few)).toMatchObject({ ranked: [], most: 2, range: null });
  });

  it('is worked out once as long as the filter stays', () => {
    const once = applyFilter(atlas, level, toward('helps', 1));
    expect(applyFilter(atlas, level, toward('helps', 1))).toBe(once);
    expect(applyFilter(atlas, level, toward('hurts', 1))).not.toBe(once);
  });

  it('stays quick with a thousand classes', () => {
    const [cells, classes] = [1600, 1000];
    const numbers = (make: (cell: number) => number) =>
      tensor(
        'I32',
        Int32Array.from({ length: cells }, (_, cell) => make(cell)),
      );
    const large = attributionAtlas(
      {
        'grid40.rows': numbers((cell) => Math.floor(cell / 40)),
        'grid40.cols': numbers((cell) => cell % 40),
        'grid40.counts': numbers(() => 9),
        'grid40.cell_of': tensor('I32', new Int32Array(31)),
        'grid40.kind': tensor('U8', new Uint8Array(cells)),
        'grid40.cosine': tensor('F32', new Float32Array(cells)),
        'grid40.attribution_codes': tensor(
          'U8',
          Uint8Array.from({ length: cells * classes }, (_, i) => (i * 7) % 256),
          cells,
          classes,
        ),
        'grid40.attribution_scale': tensor('F32', new Float32Array(cells).fill(1)),
      },
      { grids: [{ size: 40, cells, tile: null, columns: null }] },
    );
    const before = process.cpuUsage();
    for (let index = 0; index < 200; index++) resultOf(toward('both', index, 999), large);
    const { user } = process.cpuUsage(before);
    // Well under a frame each: a fault of the order of all classes would take a hundred times as long.
    expect(user / 1000 / 200).toBeLessThan(16);
  });
});

describe('the way to a cell', () => {
  const state = (change: Partial<State>): State => {
    const store = new Store();
    store.set({ atlas, shownLevel: 2, camera: FIT, ...change });
    return store.state;
  };
  const viewport = { width: 840, height: 840 };
  const levelOfSizes = (...sizes: number[]) => ({
    ...atlas,
    levels: sizes.map((size) => ({ ...level, size, covered: 1 })),
  });

  it('goes as near as the grid stays the same', () => {
    const two = levelOfSizes(10, 40);
    const near = closeUp(state({ atlas: two, shownLevel: 10 }), viewport, {
      size: 10,
      row: 2,
      col: 4,
    });
    expect(near).toMatchObject({ x: 0.45, y: 0.25 });
    expect(near.z).toBeGreaterThan(1.8);
    expect(near.z).toBeLessThan(2.4);
  });

  it('shows five cells across where the grid is held', () => {
    const held = state({ atlas: levelOfSizes(10, 40), shownLevel: 10, level: 10 });
    const { z } = closeUp(held, viewport, { size: 10, row: 0, col: 0 });
    expect(z).toBeGreaterThan(1.9);
    expect(z).toBeLessThanOrEqual(2);
  });

  it('never goes farther away', () => {
    const camera = { x: 0, y: 0, z: 30 };
    expect(closeUp(state({ camera }), viewport, { size: 2, row: 1, col: 1 })).toEqual({
      x: 0.75,
      y: 0.75,
      z: 30,
    });
  });
});
