// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AtlasMap } from '../../src/map/atlas_map';
import type { MapDecorator } from '../../src/map/map_decorator';
import type { TwoStepScenes } from '../../src/map/two_step_scenes';
import type { Scene } from '../../src/render/scene';
import { WebglRenderer } from '../../src/render/webgl_renderer';
import type { Session } from '../../src/state/session';
import type { PageSet } from '../../src/state/sprite_pages';
import { Store } from '../../src/state/store';
import { type FakeGl, fakeGl } from '../helpers/fake_gl';
import { blobEntry, type RawTensor, smallAtlas, tensor } from '../helpers/wire_builder';

const NONE: PageSet = { pages: [undefined], complete: false, failure: null };
const HERE: PageSet = {
  pages: [{ width: 16, height: 8 } as ImageBitmap],
  complete: true,
  failure: null,
};

/** A decorator that draws nothing. */
const PLAIN_DECORATOR = {
  color: () => ({ cellColors: null, pointColors: null }),
  createPoints: () => ({ draw: () => {}, prune: () => {} }),
  createPan: () => ({ show: () => false }),
  decorate: () => false,
};
const MOTION = { displacements: new Float32Array(6), share: 0.5, points: new Float32Array(12) };

/** Measures as soon as it observes. */
class ImmediateObserver {
  constructor(private readonly measured: () => void) {}

  observe(): void {
    this.measured();
  }

  disconnect(): void {}
}

/** The small atlas with a second grid of 4 × 4, three cells of two samples each, from corner to corner. */
function twoLevels(step: number, rows = [0, 1, 3], more = {}) {
  const grid4: Record<string, RawTensor> = {
    'grid4.rows': tensor('I32', new Int32Array(rows)),
    'grid4.cols': tensor('I32', new Int32Array([0, 1, 3])),
    'grid4.counts': tensor('I32', new Int32Array([2, 2, 2])),
    'grid4.cell_of': tensor('I32', new Int32Array([0, 0, 1, 1, 2, 2])),
    'grid4.kind': tensor('U8', new Uint8Array([3, 3, 3])),
    'grid4.cosine': tensor('F32', new Float32Array(3)),
  };
  const page = { ...blobEntry('sheet', '3'), grid: 4, page: 0 };
  const grids = [
    { size: 2, cells: 2, tile: 8, columns: 2 },
    { size: 4, cells: 3, tile: 8, columns: 2 },
  ];
  const blobs = [{ ...blobEntry('sheet', '2'), grid: 2, page: 0 }, page];
  return { ...smallAtlas({ grids, blobs, ...more }, grid4), step, key: `s1/${step}` };
}

let fake: FakeGl;
let store: Store;
let map: AtlasMap;
let pages: Map<string, PageSet>;
let arrived: () => void;
let frames: FrameRequestCallback[];
let now: number;

beforeEach(() => {
  fake = fakeGl();
  frames = [];
  now = 0;
  pages = new Map();
  vi.stubGlobal('ResizeObserver', ImmediateObserver);
  vi.stubGlobal('requestAnimationFrame', (callback: FrameRequestCallback) => frames.push(callback));
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockImplementation(((kind: string) =>
    kind === 'webgl2' ? fake.gl : null) as HTMLCanvasElement['getContext']);
  store = new Store();
  map = new AtlasMap();
  resize(840, 440);
  document.body.replaceChildren(map);
  map.session = {
    store,
    pages: {
      watch: (callback: () => void) => {
        arrived = callback;
      },
      icons: (atlas: { key: string }, level: { size: number }) =>
        pages.get(`${atlas.key}/${level.size}`) ?? NONE,
    },
  } as unknown as Session;
});
afterEach(() => {
  map.remove();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function resize(width: number, height: number): void {
  Object.defineProperties(map, {
    clientWidth: { value: width, configurable: true },
    clientHeight: { value: height, configurable: true },
  });
}

/** Has the element measured again. */
function remeasure(): void {
  map.remove();
  document.body.append(map);
}

/** Runs the requested frames, `milliseconds` later. */
function tick(milliseconds = 16): void {
  now += milliseconds;
  for (const callback of frames.splice(0)) callback(now);
}

/** Runs frames until the map requests no more, at most three seconds of them. */
function rest(): void {
  for (let i = 0; i < 200 && frames.length > 0; i++) tick();
}

function give(key: string, set = HERE): void {
  pages.set(key, set);
  arrived();
}

function open(step: number, atlas = twoLevels(step)): void {
  const series = {
    id: 's1',
    layer: 'layer3',
    steps: [7, 8],
    wallTimes: [1, 2],
    versions: ['a', 'b'],
    shortcuts: [],
  };
  store.set({ phase: 'ready', series, step, atlas });
}

const weights = () =>
  fake.calls
    .filter(({ name, values }) => name === 'uniform1f' && values[0] === 'uWeight')
    .map(({ values }) => values[1]);

describe('first map', () => {
  it('begins with the coarsest grid, whatever the zoom, and then refines', () => {
    remeasure();
    give('s1/7/4', NONE);
    const grids = [
      { size: 2, cells: 2, tile: 8, columns: 1 },
      { size: 4, cells: 3, tile: 8, columns: 2 },
    ];
    const blobs = [
      { ...blobEntry('sheet', '2'), grid: 2, page: 0 },
      { ...blobEntry('sheet', '4'), grid: 2, page: 1 },
      { ...blobEntry('sheet', '3'), grid: 4, page: 0 },
    ];
    open(7, twoLevels(7, [0, 1, 3], { grids, blobs }));
    rest();
    expect(store.state).toMatchObject({ settled: false, shownLevel: null });
    expect(store.state.arriving).toBe(true);
    give('s1/7/2', { pages: [HERE.pages[0], undefined], complete: false, failure: null });
    rest();
    expect(store.state.arriving).toBe(true);
    give('s1/7/2');
    rest();
    expect(store.state).toMatchObject({ settled: false, shownLevel: 2, arriving: false });
    give('s1/7/4');
    rest();
    expect(store.state).toMatchObject({ settled: true, shownLevel: 4 });
  });

  it('is drawn at two device pixels a CSS pixel at most', () => {
    vi.stubGlobal('devicePixelRatio', 3);
    remeasure();
    expect(map.querySelector('canvas')?.width).toBe(1680);
    expect(map.viewport).toMatchObject({ width: 840, height: 440 });
  });

  it('keeps its buffers while hidden, and creates new ones for another size', () => {
    remeasure();
    const canvas = map.querySelector('canvas') as HTMLCanvasElement;
    const widths = vi.spyOn(canvas, 'width', 'set');
    resize(0, 0);
    remeasure();
    resize(840, 440);
    remeasure();
    expect(widths).not.toHaveBeenCalled();
    resize(700, 440);
    remeasure();
    expect(widths).toHaveBeenCalledOnce();
  });

  it('draws nothing while the tab is hidden', () => {
    rest();
    resize(0, 0);
    remeasure();
    fake.calls.length = 0;
    open(7);
    expect(frames).toEqual([]);
    expect(fake.of('clear')).toEqual([]);
  });
});

describe('changes', () => {
  beforeEach(() => {
    remeasure();
    for (const key of ['s1/7/2', 's1/7/4']) give(key);
    open(7);
    rest();
  });

  it('come to rest: no frame is requested without a reason', () => {
    expect(frames).toEqual([]);
    store.set({ hover: { size: 4, row: 0, col: 0 } });
    expect(frames).toHaveLength(1);
    rest();
    expect(frames).toEqual([]);
  });

  it('of zoom crossfade between grids, the new one over the old', () => {
    store.set({ level: 2 });
    fake.calls.length = 0;
    tick();
    tick(50);
    const [old, fresh] = weights().slice(-2) as [number, number];
    expect(old).toBe(1);
    expect(fresh).toBeGreaterThan(0);
    expect(fresh).toBeLessThan(1);
    expect(store.state.settled).toBe(false);
    rest();
    expect(weights().at(-1)).toBe(1);
    expect(store.state).toMatchObject({ settled: true, shownLevel: 2 });
  });

  it('of step keep the old map until the icons of the new one are here', () => {
    open(8);
    rest();
    expect(map.scene?.atlas.step).toBe(7);
    expect(store.state.settled).toBe(false);
    give('s1/8/4');
    rest();
    expect(map.scene?.atlas.step).toBe(8);
    expect(store.state.settled).toBe(true);
  });

  it('of color do not fade', () => {
    const before = map.scene;
    store.set({ color: 'class' });
    tick();
    expect(map.scene).not.toBe(before);
    expect(frames).toHaveLength(0);
  });

  it('show what is there when icons are damaged, and say so', () => {
    const failure = { message: 'torn' } as never;
    give('s1/8/4', { pages: [null], complete: true, failure });
    open(8);
    rest();
    expect(store.state.sheetFailure).toBe(failure);
    expect(map.scene?.pages).toEqual([null]);
  });

  it('by its own buttons fly, and end exactly where they aim', () => {
    map.zoomBy(2);
    tick(50);
    expect(store.state.camera.z).toBeGreaterThan(1);
    expect(store.state.camera.z).toBeLessThan(2);
    expect(map.goal.z).toBe(2);
    tick(500);
    rest();
    expect(store.state.camera.z).toBe(2);
    map.fit();
    tick(500);
    rest();
    expect(store.state.camera).toEqual({ x: 0.5, y: 0.5, z: 1 });
  });

  it('of step keep the scale, and a map that has its own frame is fitted to the view', () => {
    const flat = [1, 1, 2];
    expect(store.state.extent).toEqual({ across: 1, down: 1 });
    give('s1/8/4');
    open(8, twoLevels(8, flat));
    rest();
    expect(store.state).toMatchObject({ settled: true, extent: { across: 1, down: 1 } });
    expect(map.boxOf({ size: 4, row: 0, col: 0 }).side).toBe(100);

    const own = { viewport: { x0: 0, y0: 0, x1: 2, y1: 2 } };
    open(7, twoLevels(7, flat, own));
    rest();
    expect(store.state.extent).toEqual({ across: 1, down: 0.5 });
    expect(map.boxOf({ size: 4, row: 1, col: 0 })).toEqual({ x: 20, y: 20, side: 200 });
  });

  it('by the button for the whole map fit what the map is by now, without a jump', () => {
    for (const key of ['s1/8/2', 's1/8/4']) give(key);
    open(8, twoLevels(8, [1, 1, 2]));
    rest();
    const before = map.boxOf({ size: 4, row: 1, col: 1 });
    map.fit();
    expect(map.boxOf({ size: 4, row: 1, col: 1 })).toEqual(before);
    tick(50);
    expect(map.boxOf({ size: 4, row: 1, col: 1 }).side).toBeGreaterThan(before.side);
    tick(500);
    rest();
    expect(store.state.camera).toEqual({ x: 0.5, y: 0.5, z: 1 });
    expect(map.boxOf({ size: 4, row: 1, col: 1 }).side).toBe(200);
    // Cells of a coarser grid reach farther out.
    store.set({ level: 2 });
    map.fit();
    expect(store.state.extent).toEqual({ across: 1, down: 1 });
  });

  it('of the view are settled once more points are here, which are drawn with the atlas', () => {
    const draw = vi.spyOn(WebglRenderer.prototype, 'draw');
    const drawn = () => draw.mock.calls.at(-1)?.[0].scenes.map(({ more }) => more);
    const more = [{ atlas: map.scene?.atlas, pointColors: null }];
    const tiles = { waiting: true, pointsOf: (_: unknown): unknown => undefined };
    expect(store.state.settled).toBe(true);
    map.setDecorator({ ...PLAIN_DECORATOR, tiles } as unknown as MapDecorator);
    expect(store.state.settled).toBe(false);
    rest();
    expect([drawn(), store.state.settled]).toEqual([[undefined], false]);
    Object.assign(tiles, { waiting: false, pointsOf: () => more });
    map.invalidate();
    rest();
    expect(store.state.settled).toBe(true);
    expect(drawn()?.[0]).toBe(more);
  });

  it('of step hide more points while samples move', () => {
    const draw = vi.spyOn(WebglRenderer.prototype, 'draw');
    const tiles = { waiting: false, pointsOf: () => [] };
    map.setDecorator({ ...PLAIN_DECORATOR, tiles } as unknown as MapDecorator);
    map.transition = {
      waiting: false,
      createPass: () => ({ draw: () => {}, prune: () => {} }),
      arrange: (items: readonly { item: Scene; weight: number }[]) =>
        items.length < 2
          ? null
          : items.map(({ item, weight }) => ({ scene: item, weight, motion: MOTION })),
    } as unknown as TwoStepScenes;
    for (const key of ['s1/8/2', 's1/8/4']) give(key);
    open(8);
    tick();
    tick();
    const scenes = draw.mock.calls.at(-1)?.[0].scenes ?? [];
    expect(scenes).toHaveLength(2);
    expect(scenes.map(({ more }) => more)).toEqual([undefined, undefined]);
    rest();
    expect(draw.mock.calls.at(-1)?.[0].scenes.map(({ more }) => more)).toEqual([[]]);
  });

  it('by hand end a flight', () => {
    map.zoomBy(2);
    tick(50);
    map.moveTo({ x: 0.2, y: 0.2, z: 3 });
    rest();
    expect(store.state.camera).toEqual({ x: 0.2, y: 0.2, z: 3 });
  });

  it('cut where motion is unwelcome', () => {
    vi.stubGlobal('matchMedia', () => ({ matches: true }));
    const calm = new AtlasMap();
    calm.session = { store, pages: { watch: () => {}, icons: () => HERE } } as unknown as Session;
    calm.flyTo({ x: 0.4, y: 0.4, z: 2 });
    expect(store.state.camera).toEqual({ x: 0.4, y: 0.4, z: 2 });
  });

  it('know the position of a cell on the element', () => {
    // The map is 400 pixels across from (220, 20).
    expect(map.boxOf({ size: 4, row: 1, col: 2 })).toEqual({ x: 420, y: 120, side: 100 });
  });
});

describe('scenes', () => {
  it('that have left the screen keep no icons', () => {
    let collected = false;
    vi.stubGlobal(
      'WeakRef',
      class {
        constructor(private readonly target: unknown) {}

        deref(): unknown {
          return collected ? undefined : this.target;
        }
      },
    );
    remeasure();
    for (const key of ['s1/7/2', 's1/7/4', 's1/8/2', 's1/8/4']) give(key);
    open(7);
    const first = store.state.atlas;
    rest();
    const before = map.scene;
    open(8);
    rest();
    const decodedAgain = { width: 16, height: 8 } as ImageBitmap;
    give('s1/7/4', { ...HERE, pages: [decodedAgain] });
    store.set({ atlas: first, step: 7 });
    rest();
    expect(map.scene).toBe(before);
    open(8);
    rest();
    collected = true;
    store.set({ atlas: first, step: 7 });
    rest();
    expect(map.scene?.level).toBe(before?.level);
    expect(map.scene?.pages[0]).toBe(decodedAgain);
  });
});

describe('equipment', () => {
  it('brings colors and points to the scene on screen', () => {
    remeasure();
    for (const key of ['s1/7/2', 's1/7/4']) give(key);
    open(7);
    rest();
    expect(map.scene?.pointColors).toBeNull();
    const colors = { cellColors: new Uint8Array(12), pointColors: new Uint8Array(24) };
    const points = { draw: vi.fn(), prune: vi.fn() };
    let decorated = true;
    const overlay = map.querySelectorAll('canvas')[1] as HTMLCanvasElement;
    overlay.getContext = () => ({}) as never;
    map.setDecorator({
      ...PLAIN_DECORATOR,
      tiles: { waiting: false, pointsOf: () => undefined },
      color: () => colors,
      createPoints: () => points,
      decorate: () => decorated,
    } as unknown as MapDecorator);
    rest();
    expect(map.scene).toMatchObject(colors);
    expect(points.draw).toHaveBeenCalled();
    expect(overlay.style.visibility).toBe('');
    decorated = false;
    map.invalidate();
    rest();
    expect(overlay.style.visibility).toBe('hidden');
  });
});

describe('contexts', () => {
  it('are created again when one was lost', () => {
    remeasure();
    for (const key of ['s1/7/2', 's1/7/4']) give(key);
    open(7);
    rest();
    const canvas = map.querySelector('canvas') as HTMLCanvasElement;
    const lost = new Event('webglcontextlost', { cancelable: true });
    canvas.dispatchEvent(lost);
    expect(lost.defaultPrevented).toBe(true);
    fake.calls.length = 0;
    canvas.dispatchEvent(new Event('webglcontextrestored'));
    rest();
    expect(fake.of('linkProgram')).toHaveLength(1);
    expect(fake.of('drawArrays').length).toBeGreaterThan(0);
  });

  it('are reported after a while, and a new canvas replaces the old one', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    remeasure();
    for (const key of ['s1/7/2', 's1/7/4']) give(key);
    open(7);
    rest();
    const canvas = map.querySelector('canvas') as HTMLCanvasElement;
    canvas.dispatchEvent(new Event('webglcontextlost', { cancelable: true }));
    vi.advanceTimersByTime(2900);
    expect(store.state.renderer).toBe('webgl');
    vi.advanceTimersByTime(200);
    expect(store.state.renderer).toBe('lost');
    fake.calls.length = 0;
    map.revive();
    rest();
    vi.useRealTimers();
    const canvases = [...map.querySelectorAll('canvas')];
    expect(canvases).toHaveLength(2);
    expect(canvases).not.toContain(canvas);
    expect(canvases[0]).toMatchObject({ width: 840, height: 440 });
    expect(store.state.renderer).toBe('webgl');
    expect(fake.of('drawArrays').length).toBeGreaterThan(0);
  });
});
