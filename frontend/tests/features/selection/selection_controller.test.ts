// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FIT } from '../../../src/domain/camera';
import { SelectionController } from '../../../src/features/selection/selection_controller';
import type { AtlasMap } from '../../../src/map/atlas_map';
import type { OverlayFrame } from '../../../src/map/overlay';
import { THEMES } from '../../../src/map/theme';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import { smallAtlas } from '../../helpers/wire_builder';

const atlas = smallAtlas();
/** The map is 400 pixels across, from (200, 20) to (600, 420); a cell is 200. */
const viewport = { width: 800, height: 440 };
const frame = { camera: FIT, viewport, ratio: 1, atlas, level: atlas.levels[0] };
let store: Store;
let controller: SelectionController;

beforeEach(() => {
  store = new Store();
  store.set({ atlas, shownLevel: 2 });
  const map = Object.assign(document.createElement('div'), { invalidate: vi.fn() });
  const session = { store } as unknown as Session;
  controller = new SelectionController(session, map as unknown as AtlasMap);
});

/** The values of each call of a method of the canvas. */
function draw(method: string): unknown[][] {
  const calls: unknown[][] = [];
  const context = new Proxy({} as CanvasRenderingContext2D, {
    get:
      (_target, property) =>
      (...values: unknown[]) => {
        if (property === method) calls.push(values);
        return { width: 20 };
      },
    set: () => true,
  });
  for (const paint of controller.marks(store.state)) {
    paint(context, { ...frame, theme: THEMES.light } as OverlayFrame);
  }
  return calls;
}

describe('pins', () => {
  it('of what is shown are numbered', () => {
    store.set({ pins: '2.0.0.99.s1,2.1.1.7.s1,4.0.0.7.s1,2.0.0.7.s2' });
    expect(draw('rect')).toEqual([[400, 220, 200, 200]]);
    expect(draw('fillText').map(([text]) => text)).toEqual(['⚑ 2']);
  });

  it('that no text of the URL describes are removed from it', () => {
    store.set({ pins: 'nonsense,2.1.1.7.s1,4.x' });
    expect(store.state.pins).toBe('2.1.1.7.s1');
    store.set({ pins: 'nonsense' });
    expect(store.state.pins).toBe('');
    expect(draw('rect')).toEqual([]);
  });
});
