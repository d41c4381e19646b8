// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { conceptColor, NO_CONCEPT_COLOR } from '../../src/domain/concept_colors';
import type { ColorMode } from '../../src/domain/display_types';
import { classColors, coloring, pointColors, sequential, toRgb } from '../../src/domain/map_colors';
import { type Atlas, className, type Level } from '../../src/wire/atlas';
import { attributionAtlas } from '../helpers/class_fixtures';
import { conceptEntry } from '../helpers/concept_fixtures';
import { smallAtlas, tensor } from '../helpers/wire_builder';

const atlas = smallAtlas();
const level = atlas.levels[0] as Level;

describe('class colors', () => {
  it('are unique for each class while the palette lasts', () => {
    const { named, others } = classColors(new Int32Array([0, 1, 2]), 8);
    expect(named).toHaveLength(8);
    expect(new Set(named.map(({ color }) => color)).size).toBe(8);
    expect(others).toBe(0);
  });

  it('do not depend on which classes a map happens to hold', () => {
    const some = classColors(new Int32Array([3, 3]), 8);
    const all = classColors(new Int32Array([0, 1, 2, 3]), 8);
    expect(some.colorOf(3)).toBe(all.colorOf(3));
  });

  it('cover ten classes, the least that common datasets have', () => {
    const { named, others } = classColors(
      Int32Array.from({ length: 10 }, (_, i) => i),
      10,
    );
    expect(new Set(named.map(({ color }) => color)).size).toBe(10);
    expect(others).toBe(0);
  });

  it('go to the most frequent of many classes; the rest share a gray', () => {
    const values = Int32Array.from({ length: 1000 }, (_, i) => (i < 500 ? 77 : i % 100));
    const colors = classColors(values, 100);
    expect(colors.named).toHaveLength(9);
    expect(colors.named.some(({ index }) => index === 77)).toBe(true);
    expect(colors.others).toBe(91);
    expect(colors.colorOf(99)).toBe(colors.colorOf(98));
  });
});

describe('unknown classes', () => {
  it('are gray, named as such, and take no color from the others', () => {
    const colors = classColors(new Int32Array([-1, 0, -1]), 2);
    expect(colors.named.map(({ index }) => index)).toEqual([0, 1]);
    expect([colors.unknown, colors.others]).toEqual([true, 0]);
    const partly = { ...atlas, labels: new Int32Array([-1, -1, 0, 1, 1, 1]) };
    const { legend } = coloring(partly, level, 'class');
    if (legend.kind !== 'classes') throw new Error(legend.kind);
    expect(legend.entries.map(({ label }) => label)).toEqual(['cat', 'dog', 'ship', 'unknown']);
  });
});

describe('sequential scale', () => {
  it('runs between its ends and stays inside them', () => {
    expect(sequential(0)).toEqual(toRgb('#440154'));
    expect(sequential(1)).toEqual(toRgb('#fde725'));
    expect(sequential(7)).toEqual(sequential(1));
    expect(sequential(0.5)).toEqual(toRgb('#21918c'));
  });

  it('only grows lighter', () => {
    const light = Array.from({ length: 50 }, (_, i) => {
      const [red, green, blue] = sequential(i / 49);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    });
    expect(light.every((value, i) => i === 0 || value > (light[i - 1] as number))).toBe(true);
  });
});

describe('coloring', () => {
  it('has no legend for plain icons', () => {
    expect(coloring(atlas, level, 'icons').cells).toBeNull();
    expect(coloring(atlas, level, 'icons').legend.kind).toBe('none');
  });

  it('paints the majority class, and the legend names it in the same color', () => {
    const { cells, legend } = coloring(atlas, level, 'class');
    if (legend.kind !== 'classes') throw new Error(legend.kind);
    expect(legend.entries.map(({ label }) => label)).toEqual(['cat', 'dog', 'ship']);
    expect([...(cells as Uint8Array)]).toEqual([
      ...toRgb(legend.entries[0]?.color as string),
      255,
      ...toRgb(legend.entries[2]?.color as string),
      255,
    ]);
  });

  it('says what is missing instead of drawing nothing', () => {
    const { cells, legend } = coloring(atlas, level, 'prediction');
    expect(cells).toBeNull();
    expect(legend).toMatchObject({
      kind: 'missing',
      reason: expect.stringContaining('predictions'),
    });
  });

  it('leaves cells without a value unpainted', () => {
    const { cells } = coloring(atlas, level, 'cosine');
    expect([...(cells as Uint8Array).subarray(0, 3)]).toEqual([...sequential(0.25)]);
    expect(cells?.[7]).toBe(0);
  });

  it('scales population by the fullest cell', () => {
    const { cells, legend } = coloring(atlas, level, 'population');
    expect(legend).toMatchObject({ kind: 'scale', low: '0', high: '3' });
    expect([...(cells as Uint8Array).subarray(4, 7)]).toEqual([...sequential(2 / 3)]);
  });
});

describe('colors of concepts', () => {
  const entries = [conceptEntry(4, 'cats', 3), conceptEntry(9, 'dogs', 20)];
  const ids = { concepts: tensor('I32', new Int32Array([4, 4, 9, -1, 9, 4])) };
  const tracked = smallAtlas({ concepts: entries }, ids);
  const [grid] = tracked.levels as [Level];

  it.each([false, true])('are those of the ids, gray for none (dark: %s)', (dark) => {
    const { cells, by, point, legend } = coloring(tracked, grid, 'concept', dark);
    const rgb = (id: number) => toRgb(conceptColor(id, dark));
    expect([...(cells as Uint8Array)]).toEqual([...rgb(4), 255, ...rgb(-1), 255]);
    expect(by).toBe('concepts');
    expect(point(9)).toEqual(rgb(9));
    expect(point(-1)).toEqual(rgb(-1));
    expect(legend).toMatchObject({
      title: 'Majority concept of a cell',
      entries: [
        { label: 'dogs', color: conceptColor(9, dark), concept: 9 },
        { label: 'cats', color: conceptColor(4, dark), concept: 4 },
        { label: 'in no concept', color: NO_CONCEPT_COLOR },
      ],
    });
  });

  it('are worked out again for the other theme only', () => {
    const light = coloring(tracked, grid, 'concept', false);
    expect(coloring(tracked, grid, 'concept', false)).toBe(light);
    expect(coloring(tracked, grid, 'concept', true)).not.toBe(light);
  });

  it('are missing where concepts were not tracked', () => {
    expect(coloring(atlas, level, 'concept').legend).toEqual({
      kind: 'missing',
      title: 'Majority concept of a cell',
      reason: 'Concepts were not tracked in this atlas.',
    });
  });
});

describe('readings', () => {
  const atlasOfClasses = attributionAtlas();
  const wide = atlasOfClasses.levels[0] as Level;
  /** Every third prediction is the class after the label. */
  const predictions = Int32Array.from(atlasOfClasses.labels ?? [], (label, i) =>
    i % 3 ? label : label + 1,
  );
  const judged = { ...atlasOfClasses, predictions };
  const read = (of: Atlas, mode: ColorMode) => {
    const { reading, legend, cells } = coloring(of, of.levels[0] as Level, mode);
    const values = [...(reading?.values ?? [])];
    return { values, said: values.map((value) => reading?.say(value)), legend, cells };
  };

  it('say how pure cells are', () => {
    const { values, said } = read(atlasOfClasses, 'purity');
    expect(values).toEqual([Math.fround(0.6), 1, 0.5, 1]);
    expect(said).toEqual(['60%', '100%', '50%', '100%']);
  });

  it('say how many predictions are right', () => {
    // Samples 0 to 9, 10 to 18, 19 to 26 and 27 to 30: 4, 3, 2 and 2 of them are wrong.
    const { values, legend, cells } = read(judged, 'accuracy');
    expect(values).toEqual([0.6, 6 / 9, 6 / 8, 0.5].map(Math.fround));
    expect(legend).toMatchObject({ kind: 'scale', low: '0', high: '100%' });
    expect([...(cells as Uint8Array).subarray(0, 3)]).toEqual([...sequential(Math.fround(0.6))]);
  });

  it('say how often the most frequent wrong prediction is given, and which it is', () => {
    // Of the ten samples of the first cell four are wrong; three of them are taken for one class.
    const { values, said, legend } = read(judged, 'confusion');
    const labels = atlasOfClasses.labels as Int32Array;
    const wrong = [0, 3, 6, 9].map((sample) => (labels[sample] as number) + 1);
    const counts = wrong.map((one) => wrong.filter((other) => other === one).length);
    expect(values[0]).toBeCloseTo(Math.max(...counts) / 10);
    expect(values[0]).toBeLessThan(0.4);
    expect(said[0]).toBe(`${10 * Math.max(...counts)}%`);
    expect(legend).toMatchObject({
      title: 'Confusion: share of the most frequent wrong prediction',
      high: '100%',
    });
    const { reading } = coloring(judged, wide, 'confusion');
    const most = wrong[counts.indexOf(Math.max(...counts))] as number;
    expect(reading?.name?.(0)).toBe(`as ${className(judged, most)}`);
    const right = { ...atlasOfClasses, predictions: atlasOfClasses.labels };
    expect(read(right, 'confusion').values).toEqual([0, 0, 0, 0]);
    expect(coloring(right, wide, 'confusion').reading?.name?.(0)).toBe('');
  });

  it('judge only what has a label', () => {
    const labels = Int32Array.from(atlasOfClasses.labels as Int32Array, (label, i) =>
      i < 10 ? -1 : label,
    );
    const { values, cells } = read({ ...judged, labels }, 'accuracy');
    expect(values[0]).toBeNaN();
    expect(cells?.[3]).toBe(0);
    expect(values[3]).toBe(0.5);
  });

  it('say in bits how mixed cells are, on a scale that no step changes', () => {
    const { values, said, legend } = read(atlasOfClasses, 'entropy');
    const bits = -(0.6 * Math.log2(0.6) + 2 * 0.2 * Math.log2(0.2));
    expect(values).toEqual([expect.closeTo(bits, 5), 0, 1, 0]);
    expect(said).toEqual(['1.37', '.00', '1.00', '.00']);
    expect(legend).toMatchObject({ title: "Entropy of a cell's labels", high: '1.6 bits' });
    const many = { ...atlasOfClasses, classes: Array<string>(1000).fill('x') };
    expect(read(many, 'entropy').legend).toMatchObject({ high: '5.0 bits or more' });
  });

  it('count the cells of few samples', () => {
    expect(read(atlasOfClasses, 'purity').legend).toMatchObject({
      note: 'Dotted: under 8 samples (1)',
    });
    const { reading } = coloring(atlasOfClasses, wide, 'population');
    expect(reading).toBeUndefined();
  });

  it.each([
    ['accuracy', { labels: null }, 'No labels were'],
    ['accuracy', { predictions: null }, 'No predictions were'],
    ['confusion', { predictions: null }, 'No predictions were'],
    ['entropy', { labels: null, predictions: null }, 'No labels or predictions were'],
  ] as const)('of %s say what is missing: %j', (mode, lack, reason) => {
    const { legend, cells } = read({ ...judged, ...lack }, mode);
    expect(legend).toMatchObject({ kind: 'missing', reason: expect.stringContaining(reason) });
    expect(cells).toBeNull();
  });
});

describe('point colors', () => {
  const alphas = (rgba: Uint8Array) => Array.from({ length: 6 }, (_, i) => rgba[4 * i + 3]);

  it('with icons, only samples outside drawn cells show, faintly', () => {
    const rgba = pointColors(atlas, level, coloring(atlas, level, 'icons'), 'icons', false);
    expect(alphas(rgba)).toEqual([0, 0, 0, 0, 0, 110]);
  });

  it('by class, each sample has the color of its own label', () => {
    const colors = coloring(atlas, level, 'class');
    const rgba = pointColors(atlas, level, colors, 'points', false);
    expect(alphas(rgba)).toEqual([255, 255, 255, 255, 255, 255]);
    const { colorOf } = classColors(atlas.labels as Int32Array, 3);
    expect([...rgba.subarray(8, 11)]).toEqual([...toRgb(colorOf(1))]);
  });
});
