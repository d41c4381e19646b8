// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  type Box,
  isInside,
  type PlacedName,
  placeNames,
  type Territories,
  territoriesOf,
} from '../../src/domain/concept_territories';
import type { Level } from '../../src/wire/atlas';
import { drawAtlas, ID } from '../helpers/concept_fixtures';
import { smallAtlas } from '../helpers/wire_builder';

function read(picture: readonly string[]): Territories & { readonly level: Level } {
  const { atlas, level } = drawAtlas(picture);
  const found = territoriesOf(atlas, level);
  if (found === null) throw new Error('no territories');
  return { ...found, level };
}

/** Borders as sorted text in cells: from column and row to column and row. */
function bordersOf(picture: readonly string[]): string[] {
  const { borders } = read(picture);
  const size = picture.length;
  return Array.from({ length: borders.length / 4 }, (_, i) =>
    [...borders.subarray(4 * i, 4 * i + 4)].map((value) => Math.round(size * value)).join(' '),
  ).sort();
}

describe('territories', () => {
  it('are null where concepts were not tracked', () => {
    const atlas = smallAtlas();
    expect(territoriesOf(atlas, atlas.levels[0] as Level)).toBeNull();
  });

  it('are found once for each grid', () => {
    const { atlas, level } = drawAtlas(['ab', 'ab']);
    expect(territoriesOf(atlas, level)).toBe(territoriesOf(atlas, level));
  });

  it('give each cell to the concept of most of its samples', () => {
    expect([...read(['ab', '. ']).owners]).toEqual([ID.a, ID.b, -1]);
  });

  it('have straight lines around them, each in one piece', () => {
    expect(bordersOf(['aa', 'aa'])).toEqual(['0 0 0 2', '0 0 2 0', '0 2 2 2', '2 0 2 2']);
    expect(bordersOf(['ab', 'ab'])).toContain('1 0 1 2');
  });

  it('have corners where concepts meet', () => {
    expect(bordersOf(['aab', 'abb', 'abb'])).toEqual([
      ...['0 0 0 3', '0 0 3 0', '0 3 3 3', '1 1 1 3'],
      ...['1 1 2 1', '2 0 2 1', '3 0 3 3'],
    ]);
  });

  it('have no line between what belongs to no concept and where there is no cell', () => {
    expect(bordersOf(['. ', '..'])).toEqual([]);
    expect(bordersOf(['a.', '  '])).toEqual(['0 0 0 1', '0 0 1 0', '0 1 1 1', '1 0 1 1']);
  });
});

describe('anchors of names', () => {
  const anchorsOf = (picture: readonly string[]) =>
    read(picture).names.map(({ concept, at, cells, across }) => ({
      name: concept.name,
      at: [at.x * picture.length, at.y * picture.length],
      cells,
      across,
    }));

  it('come in the order of the samples of concepts, and only of those with a cell', () => {
    expect(read(['cb', 'cb']).names.map(({ concept }) => concept.name)).toEqual(['b', 'c']);
  });

  it('are in the largest connected territory', () => {
    const [a] = anchorsOf(['abbb', 'bbbb', 'bbaa', 'bbaa']);
    expect(a).toMatchObject({ name: 'a', cells: 4, across: 2 });
    expect(a?.at[0]).toBeGreaterThan(2);
    expect(a?.at[1]).toBeGreaterThan(2);
  });

  it('are not connected by corners', () => {
    expect(anchorsOf(['ab', 'ba'])[0]?.cells).toBe(1);
  });

  it('are in the middle of a row of the territory', () => {
    expect(anchorsOf(['aaaa', 'bbbb', 'bbbb', 'bbbb'])[0]).toMatchObject({
      at: [2, 0.5],
      across: 4,
    });
  });

  it('are inside a territory that is bent around its centroid', () => {
    const picture = ['aaaa', 'abbb', 'abbb', 'aaaa'];
    const { names, owners, level } = read(picture);
    for (const { at, concept } of names) {
      const cell = level.lookup[Math.floor(4 * at.y) * 4 + Math.floor(4 * at.x)] as number;
      expect(owners[cell]).toBe(concept.id);
    }
  });

  it('prefer a long row near the centroid to a longer one at the rim', () => {
    const [a] = anchorsOf(['aaaab', 'aaaab', 'aaaab', 'aaaab', 'aaaaa']);
    expect(a?.at).toEqual([2, 2.5]);
  });

  it('do not read past the edges of the grid', () => {
    // The last cell of a row and the first of the next are neighbors in memory only.
    expect(anchorsOf(['ba', 'ab'])[0]?.across).toBe(1);
  });
});

describe('names', () => {
  const whole: Box = { x: 0.5, y: 0.5, width: 1, height: 1 };
  const place = (
    found: Territories & { readonly level: Level },
    width: number,
    view: Box = whole,
    height = 0.05,
  ): readonly PlacedName[] => placeNames(found, found.level, view, () => ({ width, height }));
  const namesOf = (placed: readonly PlacedName[]) =>
    placed.map(({ anchor }) => anchor.concept.name).sort();

  it('are all shown where there is room', () => {
    const found = read(['ab', 'cd']);
    const placed = place(found, 0.3);
    expect(namesOf(placed)).toEqual(['a', 'b', 'c', 'd']);
    expect(placed[0]?.box).toEqual({ x: 0.25, y: 0.25, width: 0.3, height: 0.05 });
  });

  it('never overlap: the larger concept keeps its own', () => {
    const found = read(['ab', 'cd']);
    expect(namesOf(place(found, 0.6))).toEqual(['a', 'c']);
    for (const one of place(found, 0.6)) {
      for (const other of place(found, 0.6)) {
        const apart = Math.abs(one.box.y - other.box.y);
        if (one.anchor !== other.anchor) expect(apart).toBeGreaterThanOrEqual(0.05);
      }
    }
  });

  it('are left out where the territory is much smaller than the name', () => {
    const found = read(['abbb', 'bbbb', 'bbbb', 'bbbb']);
    expect(namesOf(place(found, 0.5, whole, 0.2))).toEqual(['a', 'b']);
    expect(namesOf(place(found, 0.5, whole, 0.3))).toEqual(['b']);
  });

  it('are moved into the view at its edges', () => {
    const found = read(['ab', 'cd']);
    const view: Box = { x: 0.6, y: 0.6, width: 0.8, height: 0.8 };
    const a = place(found, 0.3, view).find(({ anchor }) => anchor.concept.name === 'a');
    expect(a?.box.x).toBeCloseTo(0.35);
    expect(a?.box.y).toBeCloseTo(0.25);
  });

  it('follow the view over a territory larger than it, and are absent from others', () => {
    const found = read(['aaab', 'aaab', 'aaab', 'aaab']);
    const view: Box = { x: 0.1, y: 0.9, width: 0.16, height: 0.16 };
    const placed = place(found, 0.1, view);
    expect(namesOf(placed)).toEqual(['a']);
    expect(isInside({ ...view, width: 0.161, height: 0.161 }, placed[0]?.box as Box)).toBe(true);
  });

  it('stay where they are while the view moves, and make room for no name that comes from an edge', () => {
    const found = read(['abab', 'cdcd', 'abab', 'cdcd']);
    const width = 0.2;
    const boxes = new Map(place(found, width).map(({ anchor, box }) => [anchor, box]));
    expect(boxes.size).toBe(4);
    for (const x of [0.4, 0.48, 0.5, 0.54, 0.6]) {
      const view: Box = { ...whole, x, width: 0.9 };
      const placed = new Map(place(found, width, view).map(({ anchor, box }) => [anchor, box]));
      for (const [anchor, box] of boxes) {
        const isWhole = 2 * Math.abs(box.x - x) + width <= view.width;
        if (isWhole) expect(placed.get(anchor), `${anchor.concept.name} at ${x}`).toEqual(box);
      }
    }
  });

  it('do not overlap when several are moved to one edge', () => {
    const found = read(['abcd', 'abcd', 'abcd', 'abcd']);
    const placed = place(found, 0.25, { x: 0.5, y: 0.9, width: 1, height: 0.2 });
    expect(namesOf(placed)).toEqual(['a', 'b', 'c', 'd']);
    expect(new Set(placed.map(({ box }) => box.x)).size).toBe(4);
  });

  it('are all within the view, for any view of any zoom', () => {
    const found = read(['aabb', 'aabb', 'ccdd', 'ccdd']);
    for (const width of [0.3, 0.5, 1, 2]) {
      for (const x of [0, 0.2, 0.5, 0.9, 1.2]) {
        for (const y of [-0.2, 0.3, 0.7]) {
          const view = { x, y, width, height: width };
          for (const { box } of place(found, 0.1, view)) {
            expect(2 * Math.abs(box.x - x) + box.width).toBeLessThanOrEqual(width + 1e-9);
            expect(2 * Math.abs(box.y - y) + box.height).toBeLessThanOrEqual(width + 1e-9);
          }
        }
      }
    }
  });
});
