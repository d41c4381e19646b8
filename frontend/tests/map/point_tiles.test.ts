// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ColorMode } from '../../src/domain/display_types';
import { coloring, pointColors } from '../../src/domain/map_colors';
import type { AtlasMap } from '../../src/map/atlas_map';
import { PointTiles } from '../../src/map/point_tiles';
import type { Scene } from '../../src/render/scene';
import type { Session } from '../../src/state/session';
import { Store } from '../../src/state/store';
import type { Atlas, Level } from '../../src/wire/atlas';
import { conceptEntry } from '../helpers/concept_fixtures';
import { binary, FakeServer } from '../helpers/fake_server';
import { safetensors, smallAtlas, tensor } from '../helpers/wire_builder';

const LAST_CODE = 65_535;
const NEAR = { x: 0.2, y: 0.2, z: 4 };

/** The small atlas, as if the log had more samples. */
function someOf(step: number, logged: number | null = 600): Atlas {
  const atlas = smallAtlas(
    { logged_samples: logged, concepts: [conceptEntry(4, 'cats', 3), conceptEntry(9, 'dogs', 2)] },
    {
      predictions: tensor('I32', new Int32Array([0, 0, 0, 2, 2, 1])),
      concepts: tensor('I32', new Int32Array([4, 4, 9, -1, 9, 4])),
    },
  );
  return { ...atlas, step, key: `s1/${step}` };
}

/** A tile with the samples of the small atlas; `outside` marks those that are in no cell. */
function tileOf(atlas: Atlas, hidden: number, outside: readonly number[] = []): ArrayBuffer {
  const rows = Array.from({ length: atlas.count }, (_, i) => [
    Math.round((atlas.xy[2 * i] as number) * LAST_CODE),
    Math.round((atlas.xy[2 * i + 1] as number) * LAST_CODE),
    (atlas.labels?.[i] as number) + 1,
    (atlas.predictions?.[i] as number) + 1,
    [-1, 4, 9].indexOf(atlas.concepts?.[i] as number),
    outside.includes(i) ? 1 : 0,
  ]);
  return safetensors({
    hidden: tensor('I32', new Int32Array([hidden])),
    points: tensor('U16', new Uint16Array(rows.flat()), atlas.count, 6),
  });
}

let server: FakeServer;
let store: Store;
let map: { scene: Scene | null; viewport: object; invalidate: () => void };
let tiles: PointTiles;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  server.install();
  server.set('points', () => binary(tileOf(someOf(7), 6)));
  store = new Store();
  store.set({ show: 'points', camera: NEAR });
  map = { scene: null, viewport: { width: 640, height: 640 }, invalidate: vi.fn() };
  tiles = new PointTiles(map as unknown as AtlasMap, { store } as Session);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function sceneOf(atlas: Atlas): Scene {
  const level = atlas.levels[0] as Level;
  return { atlas, level, pages: [], tiles: true, cellColors: null, pointColors: null };
}

/** Draws a frame of a scene. */
function show(scene: Scene): void {
  map.scene = scene;
  tiles.follow(scene);
}

const rest = () => vi.advanceTimersByTimeAsync(150);

describe('points of a view', () => {
  it('are fetched once the view is still, for the map on screen', async () => {
    const scene = sceneOf(someOf(7));
    show(scene);
    expect(tiles.waiting).toBe(true);
    await vi.advanceTimersByTimeAsync(100);
    store.set({ camera: { ...NEAR, x: 0.3 } });
    show(scene);
    await vi.advanceTimersByTimeAsync(100);
    expect(server.requests).toEqual([]);
    await vi.advanceTimersByTimeAsync(50);
    const requested = ['1.0.0'].map((tile) => `points?id=s1&step=7&tile=${tile}&v=00000000`);
    expect(server.requests).toEqual(requested);
    expect(tiles.waiting).toBe(false);
    expect(map.invalidate).toHaveBeenCalledOnce();
    expect(tiles.pointsOf(scene)).toHaveLength(1);
  });

  it('are kept: the same view needs no request', async () => {
    const scene = sceneOf(someOf(7));
    show(scene);
    await rest();
    const { length } = server.requests;
    expect(length).toBeGreaterThan(0);
    store.set({ camera: { ...NEAR, x: 0.21 } });
    show(scene);
    await rest();
    expect(server.requests).toHaveLength(length);
  });

  it.each([
    ['icons are shown', { show: 'icons' }, 600],
    ['steps are played', { playing: true }, 600],
    ['steps are compared', { compare: 0 }, 600],
    ['all of the map is in view', { camera: { x: 0.5, y: 0.5, z: 1 } }, 600],
    ['the atlas has all samples', {}, null],
  ] as const)('are not fetched while %s', async (_, state, logged) => {
    store.set(state);
    show(sceneOf(someOf(7, logged)));
    expect(tiles.waiting).toBe(false);
    await rest();
    expect(server.requests).toEqual([]);
    expect(store.state.inView).toBe('');
  });

  it('are counted in words, which end with the view that they are about', async () => {
    const scene = sceneOf(someOf(7));
    show(scene);
    await rest();
    expect(store.state.inView).toMatch(/^all \d+ in view$/);
    store.set({ camera: { ...NEAR, x: 0.21 } });
    show(scene);
    expect(store.state.inView).toBe('');
  });

  it('say that they are not here, and are requested again by the next view', async () => {
    server.responses.delete('points');
    const scene = sceneOf(someOf(7));
    show(scene);
    await rest();
    expect(store.state.inView).toBe('more could not be loaded');
    expect([tiles.waiting, tiles.pointsOf(scene)]).toEqual([false, undefined]);
    server.set('points', () => binary(tileOf(someOf(7), 6)));
    store.set({ camera: { ...NEAR, x: 0.21 } });
    show(scene);
    await rest();
    expect(tiles.pointsOf(scene)).toBeDefined();
  });

  it('belong to one atlas, and go when icons are shown or steps compared', async () => {
    const scene = sceneOf(someOf(7));
    show(scene);
    await rest();
    expect(tiles.pointsOf(scene)).toBeDefined();
    expect(tiles.pointsOf(sceneOf(someOf(8)))).toBeUndefined();
    for (const state of [{ show: 'icons' }, { compare: 0 }] as const) {
      store.set({ show: 'points', compare: null });
      expect(tiles.pointsOf(scene)).toBeDefined();
      store.set(state);
      expect(tiles.pointsOf(scene)).toBeUndefined();
    }
  });

  it('are the same part of the samples of each tile', async () => {
    store.set({ camera: { ...NEAR, x: 0.5 } });
    for (const [tile, hidden] of [
      ['1.0.0', 6],
      ['1.1.0', 12],
    ] as const) {
      const request = `points?id=s1&step=7&tile=${tile}&v=00000000`;
      server.set(request, () => binary(tileOf(someOf(7), hidden)));
    }
    const scene = sceneOf(someOf(7));
    show(scene);
    await rest();
    const points = tiles.pointsOf(scene) ?? [];
    expect(points.map(({ atlas }) => atlas.count)).toEqual([3, 6]);
    expect(points.map(({ pointColors }) => pointColors?.length)).toEqual([12, 24]);
  });

  it('of a view that was left are not shown', async () => {
    show(sceneOf(someOf(7)));
    vi.advanceTimersByTime(150);
    show(sceneOf(someOf(8)));
    await vi.advanceTimersByTimeAsync(0);
    expect(store.state.inView).toBe('');
    expect(tiles.waiting).toBe(true);
  });

  const MODES: readonly ColorMode[] = [
    ...(['icons', 'class', 'prediction', 'concept', 'purity', 'accuracy'] as const),
    ...(['confusion', 'entropy', 'cosine', 'population'] as const),
  ];
  it.each(MODES)('have the same colors as others (by %s)', async (color) => {
    const atlas = someOf(7);
    const scene = sceneOf(atlas);
    store.set({ color });
    show(scene);
    await rest();
    const colors = coloring(atlas, scene.level, color);
    const wanted = pointColors(atlas, scene.level, colors, 'points', false);
    const [first] = tiles.pointsOf(scene) ?? [];
    expect(first?.pointColors).toEqual(wanted);
    expect(tiles.pointsOf(scene)?.[0]).toBe(first);
  });

  it('have no color of a cell that they are not in', async () => {
    server.set('points', () => binary(tileOf(someOf(7), 6, [0])));
    const scene = sceneOf(someOf(7));
    store.set({ color: 'population' });
    show(scene);
    await rest();
    const colors = tiles.pointsOf(scene)?.[0]?.pointColors as Uint8Array;
    expect([...colors.subarray(0, 4)]).toEqual([96, 96, 96, 255]);
    expect([...colors.subarray(4, 8)]).not.toEqual([96, 96, 96, 255]);
  });
});

describe('recorded responses', () => {
  it('have no more points', async () => {
    const { serveFrom } = await import('../../src/wire/api');
    serveFrom({ respond: vi.fn() });
    show(sceneOf(someOf(7)));
    expect(tiles.waiting).toBe(false);
    await rest();
    expect(server.requests).toEqual([]);
  });
});
