// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, it } from 'vitest';
import { FIT, panBy } from '../../../src/domain/camera';
import { CanvasRenderer } from '../../../src/render/canvas_renderer';
import { PanBuffer } from '../../../src/render/gl/pan_buffer';
import { PointsPass } from '../../../src/render/gl/points_pass';
import { createProgram } from '../../../src/render/gl/program';
import type { ColoredPoints, Frame, Scene } from '../../../src/render/scene';
import { WebglRenderer } from '../../../src/render/webgl_renderer';
import type { Level } from '../../../src/wire/atlas';
import { type FakeGl, fakeGl } from '../../helpers/fake_gl';
import { smallAtlas } from '../../helpers/wire_builder';

const atlas = smallAtlas();
const level = atlas.levels[0] as Level;
const picture = { width: 16, height: 8 } as ImageBitmap;

function scene(change: Partial<Scene> = {}): Scene {
  return {
    atlas,
    level,
    pages: [picture],
    cellColors: null,
    pointColors: null,
    tiles: true,
    ...change,
  };
}

function frame(...scenes: readonly (readonly [Scene, number])[]): Frame {
  return {
    camera: FIT,
    viewport: { width: 400, height: 220 },
    ratio: 2,
    scenes: scenes.map(([one, weight]) => ({ scene: one, weight })),
    neutral: [255, 0, 0],
    ground: [0, 255, 0],
  };
}

let fake: FakeGl;
let renderer: WebglRenderer;
beforeEach(() => {
  fake = fakeGl();
  renderer = new WebglRenderer(fake.gl);
});

/** Values that one uniform was given, in order. */
function uniform(name: string): unknown[][] {
  return fake.calls
    .filter((call) => call.name.startsWith('uniform') && call.values[0] === name)
    .map(({ values }) =>
      values.slice(1).flatMap((value) => (Array.isArray(value) ? value : [value])),
    );
}

function uploads(format: string): readonly unknown[][] {
  return fake.of('texImage2D').filter((values) => values[2] === format) as unknown[][];
}

describe('grid pass', () => {
  it('draws a quad for each page and one for the cells without icon', () => {
    renderer.draw(frame([scene(), 1]));
    expect(fake.of('drawArrays')).toEqual([
      ['TRIANGLE_STRIP', 0, 4],
      ['TRIANGLE_STRIP', 0, 4],
    ]);
    expect(uniform('uPage')).toEqual([[1], [0xffff]]);
    expect(uniform('uHasSheet')).toEqual([[1], [0]]);
  });

  it('covers with the quad of a page no more than a cell around its own', () => {
    const [size, tile, columns] = [6, 8, 2];
    const rows = Int32Array.from([0, 0, 1, 1, 5]);
    const cols = Int32Array.from([0, 2, 0, 2, 4]);
    const lookup = new Int32Array(size * size).fill(-1);
    rows.forEach((row, cell) => {
      lookup[row * size + (cols[cell] as number)] = cell;
    });
    const entry = { ...level.entry, size, cells: 5, tile, columns };
    const kind = new Uint8Array(5).fill(3);
    const counts = new Int32Array(5).fill(1);
    const spread: Level = { ...level, entry, size, rows, cols, lookup, kind, counts };
    renderer.draw(frame([scene({ level: spread, pages: [picture, picture] }), 1]));
    expect(uniform('uPage')).toEqual([[1], [2]]);
    const sixths = uniform('uBox').map((box) => (box as number[]).map((edge) => edge * size));
    // Four cells fill the first page; the fifth is alone on the second, and none is without icon.
    expect(sixths.map((box) => box.map(Math.round))).toEqual([
      [0, 0, 4, 3],
      [3, 4, 6, 6],
    ]);
  });

  it('places the map in device pixels', () => {
    renderer.draw(frame([scene(), 1]));
    // 220 less two margins of 20 is 180 across, its corner at (110, 20); all times two.
    expect(uniform('uOrigin')).toEqual([[220, 40]]);
    expect(uniform('uSide')).toEqual([[360]]);
    expect(uniform('uCellPixels')).toEqual([[180]]);
  });

  it('passes each square its position on the page, its page and its side', () => {
    renderer.draw(frame([scene(), 1]));
    const data = uploads('RGBA16UI')[0]?.at(-1) as Uint16Array;
    const squares = [0, 1, 2, 3].map((i) => [...data.subarray(4 * i, 4 * i + 2)]);
    expect([squares[0], squares[3]]).toEqual([
      [0, 1],
      [1, 0xffff],
    ]);
    expect([squares[1]?.[1], squares[2]?.[1]]).toEqual([0, 0]);
    expect(0x8000 / (data[2] as number)).toBeCloseTo(0.96, 3);
    expect(2 ** -((data[3] as number) / 0x8000)).toBeCloseTo(0.96, 3);
  });

  it('hatches cells without icon, but where no cell has one', () => {
    renderer.draw(frame([scene(), 1]));
    const bare = { ...level, entry: { ...level.entry, tile: null } };
    renderer.draw(frame([scene({ level: bare }), 1]));
    expect(uniform('uHatch')).toEqual([[0], [0.3], [0]]);
  });

  it('hatches cells whose page failed, and not those whose page is on its way', () => {
    renderer.draw(frame([scene({ pages: [null] }), 1]));
    renderer.draw(frame([scene({ pages: [undefined] }), 1]));
    expect(uniform('uHatch')).toEqual([[0.3], [0.3], [0], [0.3]]);
  });

  it('lays scenes over each other by their share so far, so that weights of 1 in all blend exactly', () => {
    const weights = [0.2, 0.3, 0.5];
    renderer.draw(frame(...weights.map((weight) => [scene(), weight] as const)));
    const shares = uniform('uWeight').map(([share]) => share as number);
    const kept = shares.map((share, i) =>
      shares.slice(i + 1).reduce((left, later) => left * (1 - later), share),
    );
    kept.forEach((weight, i) => {
      expect(weight).toBeCloseTo(weights[i] as number);
    });
    expect(fake.of('blendFunc').map(([, below]) => below)).toEqual([
      'ZERO',
      'ONE_MINUS_SRC_ALPHA',
      'ONE_MINUS_SRC_ALPHA',
    ]);
  });

  it('hides with its ground what lay before where it has no tile, once over the whole grid', () => {
    renderer.draw(frame([scene(), 0.5], [scene(), 0.5]));
    expect(uniform('uPage')).toEqual([[1], [0xffff], [0], [1], [0xffff]]);
    expect(uniform('uBox')[2]).toEqual([0, 0, 1, 1]);
    expect(uniform('uGround')[0]).toEqual([0, 1, 0]);
    expect(fake.of('clearColor')[0]).toEqual([0, 1, 0, 1]);
  });

  it('uploads pages and cells once, and colors only when they change', () => {
    const colors = new Uint8Array([1, 2, 3, 255, 4, 5, 6, 255]);
    const colored = scene({ cellColors: colors });
    renderer.draw(frame([colored, 1]));
    renderer.draw(frame([colored, 1]));
    expect(uploads('RGBA16UI')).toHaveLength(1);
    expect(fake.of('generateMipmap')).toHaveLength(1);
    const painted = uploads('RGBA8').filter((values) => values.length > 6);
    expect(painted).toHaveLength(1);
    expect(Array.from(painted[0]?.at(-1) as Uint8Array)).toEqual([
      ...[1, 2, 3, 255],
      ...[0, 0, 0, 0],
      ...[0, 0, 0, 0],
      ...[4, 5, 6, 255],
    ]);
    renderer.draw(frame([scene({ cellColors: null }), 1]));
    expect(uploads('RGBA8').filter((values) => values.length > 6)).toHaveLength(2);
  });

  it('frees the cells of a level that is no longer shown', () => {
    renderer.draw(frame([scene(), 1]));
    renderer.draw(frame([scene({ level: { ...level }, pages: [] }), 1]));
    expect(fake.of('deleteTexture')).toHaveLength(2);
  });

  it('keeps pages within a budget of bytes, but never removes one on screen', () => {
    const pages = Array.from({ length: 20 }, () => ({ width: 2048, height: 2048 }) as ImageBitmap);
    for (const page of pages) renderer.draw(frame([scene({ pages: [page] }), 1]));
    // 2048 × 2048 at 5.4 bytes with mip levels is 22.6 MB: eight fit into 192 MiB.
    expect(fake.of('deleteTexture')).toHaveLength(12);
    renderer.draw(frame([scene({ pages }), 1]));
    expect(fake.of('deleteTexture')).toHaveLength(12);
  });

  it('draws tiles only where they are wanted, and nothing on a lost context', () => {
    renderer.draw(frame([scene({ tiles: false }), 1]));
    expect(fake.of('drawArrays')).toEqual([]);
    fake.lost = true;
    renderer.draw(frame([scene(), 1]));
    expect(fake.of('drawArrays')).toEqual([]);
  });
});

describe('points that did not come with the atlas', () => {
  const tile = { count: 2, xy: new Float32Array([0.1, 0.2, 0.3, 0.4]) };
  const more = [{ atlas: tile, pointColors: new Uint8Array([1, 2, 3, 255, 4, 5, 6, 255]) }];
  const one = scene({ pointColors: new Uint8Array(24) });
  const withMore = (points = more): Frame => ({
    ...frame(),
    scenes: [{ scene: one, weight: 0.5, more: points }],
  });
  const drawn = () => fake.of('drawArrays').filter(([mode]) => mode === 'POINTS');
  beforeEach(() => renderer.addPoints((gl) => new PointsPass(gl)));

  it('are drawn under the others, with the same weight', () => {
    renderer.draw(withMore());
    expect(drawn()).toEqual([
      ['POINTS', 0, 2],
      ['POINTS', 0, atlas.count],
    ]);
    expect(uniform('uWeight').slice(-2)).toEqual([[0.5], [0.5]]);
    expect(fake.of('bufferData').map(([, values]) => values)).toEqual(
      expect.arrayContaining([tile.xy, more[0]?.pointColors]),
    );
  });

  it('are uploaded once, and freed when they are gone', () => {
    renderer.draw(withMore());
    const uploaded = fake.of('bufferData').length;
    renderer.draw(withMore());
    expect(fake.of('bufferData')).toHaveLength(uploaded);
    expect(fake.of('deleteVertexArray')).toEqual([]);
    renderer.draw(frame([one, 1]));
    expect(fake.of('deleteVertexArray')).toHaveLength(1);
    expect(drawn().at(-1)).toEqual(['POINTS', 0, atlas.count]);
  });

  it('that arrive are drawn, though nothing moved', () => {
    renderer.addPan((gl, paint) => new PanBuffer(gl, paint));
    const before = frame([one, 0.5]);
    const after = { ...before, scenes: withMore().scenes };
    renderer.draw(before);
    renderer.draw(before);
    expect(drawn()).toHaveLength(1);
    renderer.draw(after);
    expect(drawn()).toHaveLength(3);
    renderer.draw(after);
    expect(drawn()).toHaveLength(3);
  });
});

describe('pan buffer', () => {
  const near = { ...FIT, z: 4 };
  const still: Frame = { ...frame([scene(), 1]), camera: near };
  /** The still frame with the map this many CSS pixels further to the right and down. */
  const moveBy = (right: number, down: number): Frame => ({
    ...still,
    camera: panBy(near, still.viewport, -right, -down),
  });
  /** Lower left corners of what was copied from the buffer to the view. */
  const copies = () => fake.of('blitFramebuffer').map(([x, y]) => [x, y]);
  beforeEach(() => renderer.addPan((gl, paint) => new PanBuffer(gl, paint)));

  it('stays out of the way of a frame that is unlike the one before', () => {
    renderer.draw(still);
    renderer.draw({ ...still, camera: FIT });
    renderer.draw(frame([scene(), 0.5], [scene(), 0.5]));
    renderer.draw({ ...still, neutral: [0, 0, 0] });
    renderer.draw(moveBy(0.25, 0));
    expect(fake.of('drawArrays')).toHaveLength(13);
    expect(fake.of('bindFramebuffer')).toEqual([]);
  });

  it('leaves alone what is on the canvas still', () => {
    renderer.draw(still);
    renderer.draw(moveBy(3, 0));
    fake.calls.length = 0;
    renderer.draw(moveBy(3, 0));
    expect(copies()).toEqual([]);
    expect(fake.of('drawArrays')).toEqual([]);
    renderer.draw({ ...moveBy(3, 0), cleared: true });
    expect(copies()).toEqual([[256, 256]]);
    renderer.draw({ ...still, camera: FIT });
    fake.calls.length = 0;
    renderer.draw({ ...still, camera: FIT, cleared: true });
    expect(fake.of('drawArrays')).toHaveLength(2);
  });

  it('draws beyond the edges once a map is moved, and then copies', () => {
    renderer.draw(still);
    fake.calls.length = 0;
    renderer.draw(moveBy(10, 4));
    // 800 × 440 device pixels with 256 more on each side, two for each CSS pixel.
    expect(fake.of('viewport')).toEqual([[0, 0, 1312, 952]]);
    expect(uniform('uOrigin')).toEqual([[-320 + 20 + 256, -500 + 8 + 256]]);
    expect(uniform('uViewport')).toEqual([[1312, 952]]);
    expect(copies()).toEqual([[256, 256]]);
    fake.calls.length = 0;
    renderer.draw(moveBy(13, -1));
    renderer.draw(moveBy(10, 4));
    expect(fake.of('drawArrays')).toEqual([]);
    // Rows of the buffer are counted from below.
    expect(fake.of('blitFramebuffer')[0]?.slice(0, 8)).toEqual([
      250, 246, 1050, 686, 0, 0, 800, 440,
    ]);
    expect(copies()).toEqual([
      [250, 246],
      [256, 256],
    ]);
  });

  it('draws again where too little was drawn, and where pixels would not meet', () => {
    renderer.draw(still);
    renderer.draw(moveBy(1, 0));
    fake.calls.length = 0;
    renderer.draw(moveBy(129, 0));
    expect(fake.of('drawArrays')).toEqual([]);
    renderer.draw(moveBy(130, 0));
    expect(fake.of('drawArrays')).toHaveLength(2);
    expect(copies()).toEqual([
      [0, 256],
      [256, 256],
    ]);
    renderer.draw(moveBy(130.25, 0));
    expect(fake.of('drawArrays')).toHaveLength(4);
    expect(copies()).toHaveLength(2);
  });

  it('never copies what has changed since', () => {
    renderer.draw(still);
    renderer.draw(moveBy(1, 0));
    fake.calls.length = 0;
    renderer.draw(frame([scene({ tiles: false }), 1]));
    renderer.draw({ ...still, ratio: 1 });
    expect(copies()).toEqual([]);
    const half: Frame = { ...still, scenes: [{ scene: scene(), weight: 1, clip: [0, 200] }] };
    renderer.draw(half);
    renderer.draw(half);
    expect(copies()).toEqual([]);
  });
});

describe('points pass', () => {
  const pointColors = new Uint8Array(24).fill(200);

  it('waits until it is added', () => {
    renderer.draw(frame([scene({ pointColors, tiles: false }), 1]));
    renderer.addPoints((gl) => new PointsPass(gl));
    renderer.draw(frame([scene({ pointColors: null, tiles: false }), 1]));
    expect(fake.of('drawArrays')).toEqual([]);
    renderer.draw(frame([scene({ pointColors, tiles: false }), 0.5]));
    expect(fake.of('drawArrays')).toEqual([['POINTS', 0, 6]]);
    expect(uniform('uWeight')).toEqual([[0.5]]);
  });

  it('uploads places once and colors when they change', () => {
    renderer.addPoints((gl) => new PointsPass(gl));
    const first = scene({ pointColors, tiles: false });
    renderer.draw(frame([first, 1]));
    renderer.draw(frame([first, 1]));
    expect(fake.of('bufferData').map((values) => values[1])).toEqual([atlas.xy, pointColors]);
    const others = new Uint8Array(24);
    renderer.draw(frame([scene({ pointColors: others, tiles: false }), 1]));
    expect(fake.of('bufferData').at(-1)?.[1]).toBe(others);
  });

  it('frees the points of a removed atlas', () => {
    renderer.addPoints((gl) => new PointsPass(gl));
    renderer.draw(frame([scene({ pointColors, tiles: false }), 1]));
    renderer.draw(frame([scene({ atlas: { ...atlas }, pointColors, tiles: false }), 1]));
    expect(fake.of('deleteBuffer')).toHaveLength(2);
    expect(fake.of('deleteVertexArray')).toHaveLength(1);
  });
});

describe('programs', () => {
  it('say what the compiler said', () => {
    const broken = new Proxy(fake.gl, {
      get(target, property, receiver) {
        if (property === 'getProgramParameter') return () => false;
        if (property === 'getProgramInfoLog') return () => 'line 3: no';
        return Reflect.get(target, property, receiver);
      },
    });
    expect(() => createProgram(broken, '\n', '\n')).toThrow('line 3: no');
  });
});

describe('canvas fallback', () => {
  function draw(one: Scene, more: readonly ColoredPoints[] = []) {
    const calls: { name: string; values: unknown[] }[] = [];
    const context = new Proxy({} as CanvasRenderingContext2D, {
      get:
        (_target, property) =>
        (...values: unknown[]) =>
          calls.push({ name: String(property), values }),
      set: () => true,
    });
    new CanvasRenderer({ width: 800, height: 440 } as HTMLCanvasElement, context).draw({
      ...frame(),
      scenes: [{ scene: one, weight: 1, more }],
    });
    return calls;
  }
  const of = (calls: { name: string; values: unknown[] }[], name: string) =>
    calls.filter((call) => call.name === name).map(({ values }) => values);
  /** Squares that were filled, and not the lines over them. */
  const tiles = (calls: { name: string; values: unknown[] }[]) =>
    of(calls, 'fillRect').filter(([, , width, height]) => width === height);

  it('draws icons from their pages, and neutral tiles where there are none', () => {
    const calls = draw(scene());
    const [icon] = of(calls, 'drawImage');
    expect(icon?.slice(0, 5)).toEqual([picture, 0, 0, 8, 8]);
    // Cell of 90 pixels from (110, 20), its icon 96 % of it.
    expect(icon?.[5]).toBeCloseTo(110 + 45 - 43.2);
    expect(icon?.[7]).toBeCloseTo(86.4);
    expect(tiles(calls)).toHaveLength(1);
  });

  it('draws neutral tiles for a page that is missing', () => {
    expect(tiles(draw(scene({ pages: [null] })))).toHaveLength(2);
  });

  it('hatches them, but where no cell has an icon', () => {
    const lines = (one: Scene) => of(draw(one), 'fillRect').length - tiles(draw(one)).length;
    expect(lines(scene())).toBe(11);
    const bare = { ...level, entry: { ...level.entry, tile: null } };
    expect(lines(scene({ level: bare }))).toBe(0);
  });

  it('draws points that did not come with the atlas, too', () => {
    const tile = { count: 2, xy: new Float32Array([0.1, 0.2, 0.3, 0.4]) };
    const more = [{ atlas: tile, pointColors: new Uint8Array(8).fill(255) }];
    const places = of(draw(scene(), more), 'arc').map(([x, y]) => [x, y].map(Number));
    expect(places.map((place) => place.map(Math.round))).toEqual([
      [128, 56],
      [164, 92],
    ]);
  });

  it('rims the cells that have a color', () => {
    const cellColors = new Uint8Array([1, 2, 3, 255, 0, 0, 0, 0]);
    expect(of(draw(scene({ cellColors })), 'strokeRect')).toHaveLength(1);
  });

  it('leaves out what is hidden', () => {
    const pointColors = new Uint8Array(24);
    pointColors[3] = 255;
    const calls = draw(scene({ pointColors, tiles: false }));
    expect(of(calls, 'arc')).toHaveLength(1);
    expect(of(calls, 'drawImage')).toEqual([]);
  });
});
