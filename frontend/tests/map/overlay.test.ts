// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { FIT } from '../../src/domain/camera';
import { drawOverlay, type OverlayFrame } from '../../src/map/overlay';
import { THEMES } from '../../src/map/theme';
import type { Level } from '../../src/wire/atlas';
import { smallAtlas } from '../helpers/wire_builder';

const atlas = smallAtlas();
const level = atlas.levels[0] as Level;
const values = atlas.labels;

interface Drawn {
  readonly name: string;
  readonly values: unknown[];
}

let drew: boolean;

/** Draws over a map of 400 pixels from (200, 20), whose cells are 200 pixels. */
function draw(change: Partial<OverlayFrame>): Drawn[] {
  const calls: Drawn[] = [];
  const context = new Proxy({} as CanvasRenderingContext2D, {
    get:
      (_target, property) =>
      (...given: unknown[]) => {
        calls.push({ name: String(property), values: given });
        return { width: 30 };
      },
    set(_target, property, value) {
      calls.push({ name: `${String(property)}=`, values: [value] });
      return true;
    },
  });
  drew = drawOverlay(context, {
    camera: FIT,
    viewport: { width: 800, height: 440 },
    ratio: 2,
    atlas,
    level,
    values: null,
    hover: null,
    pinned: null,
    theme: THEMES.light,
    painters: [],
    ...change,
  });
  return calls;
}

const of = (calls: Drawn[], name: string) =>
  calls.filter((call) => call.name === name).map((call) => call.values);

describe('overlay', () => {
  it('labels each cell with the class of most of its members', () => {
    expect(of(draw({ values }), 'fillText').map(([text]) => text)).toEqual(['cat', 'ship']);
  });

  it('labels no cell whose samples are not loaded', () => {
    const some = { ...level, loaded: new Int32Array([0, 2]) };
    expect(of(draw({ values, level: some }), 'fillText').map(([text]) => text)).toEqual(['ship']);
  });

  it('says whether there was anything to draw', () => {
    const place = { size: 2, row: 0, col: 0 };
    for (const change of [
      { values },
      { hover: place },
      { pinned: place },
      { painters: [() => {}] },
    ]) {
      draw(change);
      expect(drew).toBe(true);
    }
    for (const change of [{}, { values, camera: { ...FIT, z: 0.4 } }]) {
      draw(change);
      expect(drew).toBe(false);
    }
  });

  it('labels by whatever classes it is given', () => {
    const predictions = new Int32Array(6).fill(1);
    const drawn = of(draw({ values: predictions }), 'fillText');
    expect(drawn.map(([text]) => text)).toEqual(['dog', 'dog']);
  });

  it('draws no label on cells too small to carry one', () => {
    const camera = { ...FIT, z: 0.4 };
    expect(of(draw({ values, camera }), 'fillText')).toEqual([]);
  });

  it('draws labels in view only', () => {
    const camera = { x: 0, y: 0, z: 8 };
    expect(of(draw({ values, camera }), 'fillText')).toHaveLength(1);
  });

  it('outlines the cell under the cursor close around its icon', () => {
    const [box] = of(draw({ hover: { size: 2, row: 0, col: 0 } }), 'roundRect');
    // The icon leaves 2 % of 200 pixels on each side, and the line lies outside it.
    expect(box?.slice(0, 4).map((value) => Math.round(Number(value)))).toEqual([203, 23, 194, 194]);
  });

  it('outlines the pinned cell more strongly, also when it is of another grid', () => {
    const calls = draw({ pinned: { size: 4, row: 1, col: 1 }, hover: { size: 2, row: 1, col: 1 } });
    expect(of(calls, 'lineWidth=')).toEqual([[5], [3], [4], [2]]);
    expect(of(calls, 'roundRect')[0]?.slice(2, 4)).toEqual([103, 103]);
  });
});
