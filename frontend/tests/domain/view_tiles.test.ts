// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { FIT, viewOf } from '../../src/domain/camera';
import { coverView, describeView, evenOut } from '../../src/domain/view_tiles';
import type { Points, PointTile } from '../../src/wire/point_tile';

const VIEWPORT = { width: 1240, height: 640 };

function pointsAt(...xy: number[]): Points {
  const count = xy.length / 2;
  return { count, xy: new Float32Array(xy), labels: null, predictions: null, concepts: null };
}

function tileAt(hidden: number, ...xy: number[]): PointTile {
  return { ...pointsAt(...xy), outside: new Int32Array(xy.length / 2), hidden };
}

describe('tiles of a view', () => {
  it('are none while more than half of the map is in view', () => {
    expect(coverView(viewOf(FIT, VIEWPORT))).toEqual([]);
    expect(coverView([0.2, 0.2, 0.8, 0.5])).toEqual([]);
  });

  it.each([
    [
      [0.1, 0.1, 0.6, 0.3],
      ['1.0.0', '1.1.0'],
    ],
    [
      [0.3, 0.3, 0.54, 0.4],
      ['2.1.1', '2.2.1'],
    ],
    [[0.26, 0.26, 0.49, 0.49], ['2.1.1']],
    [
      [0.45, 0.45, 0.55, 0.55],
      ['3.3.3', '3.4.3', '3.3.4', '3.4.4'],
    ],
    [[0.999, 0.999, 1.001, 1.001], ['7.127.127']],
  ] as const)('of %j are %j', (view, names) => {
    expect(coverView(view)).toEqual(names);
  });

  it('beyond the edge of the map are those at the edge', () => {
    expect(coverView([-0.2, -0.1, 0.05, 0.05])).toEqual(['2.0.0']);
    expect(coverView([0.9, 0.95, 1.1, 1.05])).toEqual(['2.3.3']);
  });

  it('cover the view, are at most four, and are about as large as it', () => {
    for (let i = 0; i < 500; i++) {
      const z = 4.2 * 14 ** ((i * 0.7548) % 1);
      const view = viewOf({ x: (i * 0.618) % 1, y: (i * 0.382) % 1, z }, VIEWPORT);
      const tiles = coverView(view).map((name) => name.split('.').map(Number));
      expect(tiles.length).toBeGreaterThan(0);
      expect(tiles.length).toBeLessThanOrEqual(4);
      const [levels, columns, rows] = [0, 1, 2].map((part) =>
        tiles.map((tile) => tile[part] as number),
      ) as [number[], number[], number[]];
      const side = 2 ** -Math.max(...levels);
      expect(new Set(levels).size).toBe(1);
      const longest = view[2] - view[0];
      expect(side).toBeGreaterThanOrEqual(longest);
      expect(side / 2).toBeLessThan(longest);
      expect(Math.min(...columns) * side).toBeLessThanOrEqual(Math.max(0, view[0]));
      expect(Math.min(...rows) * side).toBeLessThanOrEqual(Math.max(0, view[1]));
      expect((Math.max(...columns) + 1) * side).toBeGreaterThanOrEqual(Math.min(1, view[2]));
      expect((Math.max(...rows) + 1) * side).toBeGreaterThanOrEqual(Math.min(1, view[3]));
    }
  });

  it('end at the finest level', () => {
    expect(coverView([0.5, 0.5, 0.5001, 0.5001])).toEqual(['7.64.64']);
  });
});

describe('points of several tiles', () => {
  it('are the same part of the samples of each, so that no tile looks denser than it is', () => {
    const tiles = evenOut([tileAt(8, ...Array(8).fill(0.1)), tileAt(3, ...Array(6).fill(0.1))]);
    expect(tiles.map(({ count }) => count)).toEqual([4, 2]);
  });

  it('are all samples if no tile lacks any', () => {
    const whole = [tileAt(3, ...Array(6).fill(0.1)), tileAt(0)];
    expect(evenOut(whole)).toEqual(whole);
    expect(evenOut([tileAt(0)])).toEqual([tileAt(0)]);
  });
});

describe('sentence on the samples in view', () => {
  const view = [0, 0, 0.5, 0.5] as const;
  const own = pointsAt(0.1, 0.1, 0.5, 0.5, 0.6, 0.1, 0.1, 0.6);

  it('counts the points of the atlas and of complete tiles within the view', () => {
    const tiles = [tileAt(3, 0.2, 0.2, 0.3, 0.9, 0.4, 0.4), tileAt(0)];
    expect(describeView(own, tiles, view)).toBe('all 4 in view');
    expect(describeView(own, [tileAt(0)], view)).toBe('all 2 in view');
  });

  it('estimates how many there are if a tile lacks some', () => {
    const half = tileAt(2000, 0.2, 0.2, 0.3, 0.9);
    expect(describeView(own, [half, tileAt(0)], view)).toBe('3 of about 1,000 in view');
    const third = tileAt(100_000, 0.2, 0.2, 0.3, 0.1, 0.1, 0.9);
    expect(describeView(own, [third], view)).toBe('4 of about 66,700 in view');
  });

  it('counts only what is drawn of a tile', () => {
    const some = { ...tileAt(4, 0.2, 0.2, 0.1, 0.1, 0.1, 0.2, 0.2, 0.1), count: 2 };
    expect(describeView(own, [some], view)).toBe('4 of about 6 in view');
  });

  it('never claims all of a tile that lacks some, nor more than there are', () => {
    const elsewhere = tileAt(2, 0.9, 0.9);
    expect(describeView(own, [elsewhere], view)).toBe('2 of about 2 in view');
    const many = pointsAt(...Array.from({ length: 2 * 1234 }, () => 0.1));
    expect(describeView(many, [elsewhere], view)).toBe('1,234 of about 1,234 in view');
  });
});
