// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { findResults, frameOf } from '../../../src/features/search/map_search';
import type { Atlas, Level } from '../../../src/wire/atlas';
import { smallAtlas, tensor } from '../../helpers/wire_builder';

const line = (id: number, name: string) => ({
  id,
  name,
  size: 3,
  top_class: 0,
  top_share: 1,
  born: 0,
  confidence: 1,
  ...{ group: null, joined: null, left: null },
});
const atlas = smallAtlas(
  { concepts: [line(4, 'cats at night'), line(9, 'ships')] },
  {
    concepts: tensor('I32', new Int32Array([4, 4, 9, 9, 9, 4])),
    image_ids: tensor('I32', new Int32Array([10, 10, 12, 1, 103, 15])),
  },
);
const level = atlas.levels[0] as Level;

/** "kind: name (note)" of all that is found. */
function found(search: string, of: Atlas = atlas): string[] {
  return findResults(of, of.levels[0] as Level, search).list.map(
    ({ target, name, note }) => `${target.kind}: ${name} (${note})`,
  );
}

describe('what letters and numbers find', () => {
  it('finds classes, the cells that they top, and concepts by name', () => {
    expect(found('CAT')).toEqual([
      'class: cat (2 samples)',
      'cell: row 1, column 1 (cat 67%, 3 samples)',
      'concept: cats at night (3 samples)',
    ]);
    expect(found('dog')).toEqual(['class: dog (2 samples)']);
    expect(found('zebra')).toEqual([]);
    expect(found('  ')).toEqual([]);
  });

  it.each(['2, 2', '2 2', '2,2', 'row 2, column 2', 'r2 c2', 'Row 2 Col 2', '2x2'])(
    'takes %s for a cell of the grid on screen',
    (search) => {
      expect(findResults(atlas, level, search).list[0]).toMatchObject({
        target: { kind: 'cell', place: { size: 2, row: 1, col: 1 } },
        note: 'ship 100%, 2 samples',
      });
    },
  );

  it('says so where no cell is drawn, and finds none beyond the grid', () => {
    expect(found('1, 2')).toEqual(['cell: row 1, column 2 (too few samples to draw)']);
    expect(found('0, 1')).toEqual([]);
    expect(found('3, 1')).toEqual([]);
  });

  it('finds images by number, those that begin with it behind', () => {
    expect(found('image 10')).toEqual([
      'image: image 10 (cat, 2 samples)',
      'image: image 103 (ship, 1 sample)',
    ]);
    expect(found('1').slice(0, 4)).toEqual([
      'image: image 1 (ship, 1 sample)',
      'image: image 10 (cat, 2 samples)',
      'image: image 12 (dog, 1 sample)',
      'image: image 15 (dog, 1 sample)',
    ]);
    expect(found('#12')).toEqual(['image: image 12 (dog, 1 sample)']);
    expect(found('image 77')).toEqual([]);
  });

  it('finds the one sample of a number', () => {
    expect(found('sample 3')).toEqual(['sample: sample 3 (ship, image 1)']);
    expect(found('sample 6')).toEqual([]);
  });

  it('does without labels, names and concepts', () => {
    const bare = smallAtlas({ classes: null });
    const { labels: _, ...rest } = bare;
    const blank: Atlas = { ...rest, labels: null, concepts: null };
    expect(found('1, 1', blank)).toEqual(['cell: row 1, column 1 (3 samples)']);
    expect(found('image 12', blank)).toEqual(['image: image 12 (1 sample)']);
    expect(found('class', blank)).toEqual([]);
    expect(found('class 2', bare)[0]).toBe('class: class 2 (2 samples)');
  });

  it('lists forty of a thousand names, and says how many more', () => {
    const many = { ...atlas, classes: Array.from({ length: 1000 }, (_, i) => `kind ${i}`) };
    const { list, more } = findResults(many, level, 'kind');
    expect(list.filter(({ target }) => target.kind === 'class')).toHaveLength(40);
    expect(more).toBe(960);
    expect(findResults(many, level, 'kind 99').more).toBe(0);
  });

  it('never treats a name as a pattern', () => {
    const odd = { ...atlas, classes: ['(.*)+[', '$&', ''] };
    expect(found('(.*', odd)).toContain('class: (.*)+[ (2 samples)');
    expect(found('[', odd)[0]).toBe('class: (.*)+[ (2 samples)');
    expect(found('zz', odd)).toEqual([]);
  });
});

describe('the view of some samples', () => {
  it('is as near as is good to read for one of them', () => {
    expect(frameOf(atlas, Int32Array.of(5))).toMatchObject({ z: 4 });
    expect(frameOf(atlas, Int32Array.of(5)).x).toBeCloseTo(0.9);
    expect(frameOf(atlas, Int32Array.of(5)).y).toBeCloseTo(0.1);
  });

  it('holds them all', () => {
    const { x, y, z } = frameOf(atlas, Int32Array.of(0, 1, 2, 3, 4));
    expect([x, y]).toEqual([expect.closeTo(0.5), expect.closeTo(0.5)]);
    expect(z).toBe(1);
    const near = frameOf(atlas, Int32Array.of(0, 1, 2));
    expect(near.z).toBeCloseTo(0.7 / 0.2);
  });

  it('is not drawn out by a few that are far', () => {
    const xy = new Float32Array(80).fill(0.5);
    xy.set([0, 0], 0);
    const rows = Int32Array.from({ length: 40 }, (_, row) => row);
    expect(frameOf({ ...atlas, xy }, rows)).toMatchObject({ x: 0.5, y: 0.5, z: 4 });
  });
});
