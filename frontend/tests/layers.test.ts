// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Level } from '../src/atlas';
import { FIT } from '../src/camera';
import type { Drift } from '../src/drift';
import { drawDrift } from '../src/map/drift_layer';
import { drawHighlight } from '../src/map/highlight_layer';
import type { OverlayFrame } from '../src/map/overlay';
import { THEMES } from '../src/theme';
import { smallAtlas, tensor } from './build';

const atlas = smallAtlas({}, { lifelines: tensor('I32', new Int32Array([4, 4, 9, 9, 9, 4])) });
const level = atlas.levels[0] as Level;

interface Drawn {
  readonly name: string;
  readonly values: unknown[];
}

/** Draws over a map of 400 pixels from (200, 20), whose cells are 200 pixels. */
function drawn(
  draw: (context: CanvasRenderingContext2D, frame: OverlayFrame) => void,
  change: Partial<OverlayFrame> = {},
): (name: string) => unknown[][] {
  const calls: Drawn[] = [];
  const context = new Proxy({} as CanvasRenderingContext2D, {
    get:
      (_target, property) =>
      (...values: unknown[]) => {
        calls.push({ name: String(property), values });
        return { width: 30 };
      },
    set(_target, property, value) {
      calls.push({ name: `${String(property)}=`, values: [value] });
      return true;
    },
  });
  draw(context, {
    camera: FIT,
    viewport: { width: 800, height: 440 },
    ratio: 2,
    atlas,
    level,
    values: null,
    hover: null,
    pinned: null,
    theme: THEMES.light,
    layers: [],
    ...change,
  });
  return (name) => calls.filter((call) => call.name === name).map((call) => call.values);
}

describe('drift layer', () => {
  const drift: Drift = {
    from: new Float32Array([0.25, 0.25, 0.75, 0.25]),
    to: new Float32Array([0.5, 0.25, 0.75, 0.75]),
    beyond: new Float32Array([0.5, 0.4]),
    news: 1,
    meanMove: 0.3,
    beyondShare: 0.5,
  };

  it('draws news as a wedge that ends where the samples are', () => {
    const of = drawn((context, frame) => drawDrift(context, frame, drift));
    // From (300, 120) to (400, 120): a neck 11 pixels before its point.
    expect(of('lineTo')).toEqual([
      [500, 320],
      [300, 120.7],
      [389, 122.1],
      [389, 125.6],
      [400, 120],
      [389, 114.4],
      [389, 117.9],
      [300, 119.3],
    ]);
  });

  it('draws what chance explains as a broken line from where they were', () => {
    const of = drawn((context, frame) => drawDrift(context, frame, drift));
    expect(of('moveTo')).toEqual([[500, 120]]);
    expect(of('setLineDash')).toEqual([[[2, 3]], [[]]]);
  });

  it('claims nothing without a floor', () => {
    const of = drawn((context, frame) => drawDrift(context, frame, { ...drift, beyond: null }));
    expect(of('moveTo')).toHaveLength(2);
    expect(of('closePath')).toEqual([]);
  });

  it('draws what is in view only', () => {
    const camera = { x: 0.75, y: 0.75, z: 8 };
    const of = drawn((context, frame) => drawDrift(context, frame, drift), { camera });
    expect(of('arc')).toHaveLength(1);
  });

  it('draws a dot for news too small to point', () => {
    const near = { ...drift, from: drift.to };
    const of = drawn((context, frame) => drawDrift(context, frame, near));
    expect(of('arc').map((values) => values.slice(0, 3))).toEqual([
      [500, 320, 1.8],
      [400, 120, 3],
    ]);
  });
});

describe('highlight layer', () => {
  const highlighted = (...ids: number[]) =>
    drawn((context, frame) => drawHighlight(context, frame, ids));

  it('lets cells recede by the share of others in them', () => {
    // Of the first cell two of three are members, of the second none.
    const veils = highlighted(4)('globalAlpha=').map(([alpha]) => alpha as number);
    expect(veils.map((alpha) => Math.round(100 * alpha))).toEqual([25, 75, 100]);
  });

  it('frames the cells that hold enough and says how many members', () => {
    expect(highlighted(4)('fillText').map(([text]) => text)).toEqual(['2']);
    expect(highlighted(9)('fillText').map(([text]) => text)).toEqual(['1', '2']);
  });

  it('shows each member, also outside drawn cells', () => {
    expect(
      highlighted(4)('arc').map(([x, y]) => [Math.round(x as number), Math.round(y as number)]),
    ).toEqual([
      [240, 60],
      [280, 100],
      [560, 60],
    ]);
  });

  it('shows nothing of lifelines that are not there', () => {
    expect(highlighted(77)('arc')).toEqual([]);
  });
});
