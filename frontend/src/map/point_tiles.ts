// SPDX-License-Identifier: Apache-2.0
/** Adds points that did not come with the atlas to a view at rest. */

import { viewOf } from '../domain/camera';
import { coloring, pointColors } from '../domain/map_colors';
import { coverView, describeView, evenOut } from '../domain/view_tiles';
import type { ColoredPoints, Scene } from '../render/scene';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import { Cache } from '../util/cache';
import { fetchPoints, recorded } from '../wire/api';
import { type Atlas, cellAt, type Level } from '../wire/atlas';
import type { PointTile } from '../wire/point_tile';
import type { AtlasMap } from './atlas_map';

/** The view has been still for so long. */
const STILL_MS = 150;
/** Points of all tiles that are kept. */
const KEPT_POINTS = 200_000;
/** An empty tile takes memory, too. */
const TILE_COST = 100;

export class PointTiles {
  /** Whether points that belong on screen are on their way. */
  waiting = false;
  readonly #tiles = new Cache<PointTile>(KEPT_POINTS, ({ count }) => count + TILE_COST);
  #atlas: Atlas | undefined;
  #shown: readonly PointTile[] = [];
  #colored = new WeakMap<Scene, readonly ColoredPoints[]>();
  #seen = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly map: AtlasMap,
    private readonly session: Session,
  ) {}

  /** Notices what is on screen; called after every frame. */
  follow({ atlas }: Scene): void {
    const { store } = this.session;
    const { state } = store;
    const view = viewOf(state.camera, this.map.viewport);
    const { blobs, logged_samples: logged } = atlas.manifest.fields;
    const mark = blobs[0]?.crc32c ?? '';
    const wanted = isWanted(state) && logged !== null && !recorded && !state.playing;
    const seen = [atlas.key, mark, wanted, ...view].join();
    if (seen === this.#seen) return;
    this.#seen = seen;
    clearTimeout(this.#timer);
    store.set({ inView: '' });
    const names = wanted ? coverView(view) : [];
    this.waiting = names.length > 0;
    if (!this.waiting) return;
    const load = (name: string) =>
      this.#tiles.load(`${atlas.key}/${mark}/${name}`, () => fetchPoints(atlas, name, mark));
    this.#timer = setTimeout(async () => {
      const tiles = await Promise.all(names.map(load)).then(evenOut, () => null);
      if (seen !== this.#seen) return;
      this.waiting = false;
      if (tiles) {
        this.#atlas = atlas;
        this.#shown = tiles;
        this.#colored = new WeakMap();
      }
      const inView = tiles ? describeView(atlas, tiles, view) : 'more could not be loaded';
      store.set({ inView });
      this.map.invalidate();
    }, STILL_MS);
  }

  /** Points to draw with those of a scene; the same object as long as they look the same. */
  pointsOf(scene: Scene): readonly ColoredPoints[] | undefined {
    const { state } = this.session.store;
    const { color, show, dark } = state;
    const { atlas, level } = scene;
    if (atlas !== this.#atlas || !isWanted(state)) return undefined;
    let colored = this.#colored.get(scene);
    if (!colored) {
      const colors = coloring(atlas, level, color, dark);
      colored = this.#shown.map((tile) => ({
        atlas: tile,
        pointColors: pointColors(tile, { cellOf: findCells(tile, level) }, colors, show, dark),
      }));
      this.#colored.set(scene, colored);
    }
    return colored;
  }
}

/** Whether more points may be shown: not while steps are compared, whose points are of the same samples. */
function isWanted({ show, compare }: State): boolean {
  return show !== 'icons' && compare === null;
}

function findCells({ xy, outside }: PointTile, level: Level): Int32Array {
  const at = (i: number) => Math.floor((xy[i] as number) * level.size);
  return outside.map((out, i) => (out ? -1 : cellAt(level, at(2 * i + 1), at(2 * i))));
}
