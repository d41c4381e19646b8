// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FIT } from '../../../src/domain/camera';
import { type Selection, selectionOf } from '../../../src/domain/selection';
import { SelectTool } from '../../../src/features/selection/select_tool';
import type { AtlasMap } from '../../../src/map/atlas_map';
import { Interaction } from '../../../src/map/interaction';
import type { OverlayFrame } from '../../../src/map/overlay';
import { THEMES } from '../../../src/map/theme';
import type { Player } from '../../../src/state/player';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import type { Level } from '../../../src/wire/atlas';
import { Hand } from '../../helpers/hand';
import { smallAtlas } from '../../helpers/wire_builder';

const atlas = smallAtlas();
const level = atlas.levels[0] as Level;

/** The map is 400 pixels across, from (200, 20) to (600, 420); a cell is 200. */
const viewport = { width: 800, height: 440 };
let store: Store;
let map: HTMLElement;
let tool: SelectTool;
let moves: unknown[];
let hand: Hand;

beforeEach(() => {
  vi.useFakeTimers();
  store = new Store();
  store.set({ atlas, shownLevel: 2 });
  moves = [];
  map = Object.assign(document.createElement('div'), {
    viewport,
    scene: { atlas, level, tiles: true },
    goal: FIT,
    setPointerCapture: () => {},
    moveTo: (camera: unknown) => moves.push(camera),
    flyTo: (camera: unknown) => moves.push(camera),
    reveal: vi.fn(),
    invalidate: vi.fn(),
  });
  hand = new Hand(map);
  map.tabIndex = 0;
  document.body.replaceChildren(map);
  const session = { store } as unknown as Session;
  new Interaction(map as unknown as AtlasMap, session, {} as Player);
  tool = new SelectTool(map as unknown as AtlasMap, session);
});
afterEach(() => {
  // After a drag d3-drag ignores clicks until the task has ended.
  vi.runOnlyPendingTimers();
  vi.useRealTimers();
});

function send(type: string, x: number, y: number, more: Parameters<Hand['send']>[3] = {}): void {
  hand.send(type, x, y, more);
}

function drag(
  points: readonly (readonly [number, number])[],
  more: Parameters<Hand['send']>[3] = {},
): void {
  const [first, ...rest] = points;
  send('pointerdown', ...(first as [number, number]), more);
  for (const [x, y] of rest) send('pointermove', x, y, more);
  send('pointerup', ...(points.at(-1) as [number, number]), more);
}

function press(key: string, more: KeyboardEventInit = {}): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { key, cancelable: true, ...more });
  map.dispatchEvent(event);
  return event;
}

const rows = () => [...((store.state.selection as Selection | null)?.rows ?? [])];

describe('by pointer', () => {
  it('Shift and drag selects a rectangle and leaves the map where it is', () => {
    drag(
      [
        [210, 30],
        [240, 50],
        [300, 130],
      ],
      { shiftKey: true },
    );
    expect(rows()).toEqual([0, 1]);
    expect(store.state).toMatchObject({ selectionList: 'shown', tool: '', pinned: null });
    expect(store.state.said).toBe('2 samples selected, 33%, mostly cat');
    expect(moves).toEqual([]);
  });

  it('a plain drag goes on to move the map, also after a selection', () => {
    drag(
      [
        [210, 30],
        [300, 130],
      ],
      { shiftKey: true },
    );
    drag([
      [300, 100],
      [340, 100],
    ]);
    expect(moves).toHaveLength(1);
    expect(map.classList.contains('dragging')).toBe(false);
    expect(rows()).toEqual([0, 1]);
  });

  it('Shift and click pins another cell and selects nothing', () => {
    drag(
      [
        [300, 100],
        [302, 101],
      ],
      { shiftKey: true },
    );
    expect(store.state).toMatchObject({ selection: null, pins: '2.0.0.7.s1', pinned: null });
    send('pointerdown', 500, 300);
    send('pointerup', 500, 300);
    expect(store.state.pinned).toEqual({ size: 2, row: 1, col: 1 });
  });

  it('a double click with Shift zooms out and pins nothing', () => {
    drag([[300, 100]], { shiftKey: true });
    drag([[300, 100]], { shiftKey: true });
    expect(store.state.pins).toBe('');
    expect(moves).toHaveLength(1);
  });

  it('the lasso follows the hand', () => {
    store.set({ tool: 'lasso' });
    expect(map.classList.contains('selecting')).toBe(true);
    // Around (.8, .8) and (.9, .9), which lie at (520, 340) and (560, 380).
    drag([
      [500, 340],
      [520, 320],
      [590, 380],
      [560, 400],
    ]);
    expect(rows()).toEqual([3, 4]);
    expect(store.state.tool).toBe('');
    expect(map.classList.contains('selecting')).toBe(false);
  });

  it('reports an empty area, and keeps the last selection', () => {
    drag(
      [
        [210, 30],
        [300, 130],
      ],
      { shiftKey: true },
    );
    drag(
      [
        [300, 300],
        [340, 340],
      ],
      { shiftKey: true },
    );
    expect(store.state.said).toBe('No samples in this area');
    expect(rows()).toEqual([0, 1]);
  });

  it('a second finger and a gesture that the system took end it', () => {
    store.set({ tool: 'lasso' });
    send('pointerdown', 210, 30);
    send('pointermove', 400, 30);
    const other = new Hand(map, 2);
    other.send('pointerdown', 300, 300);
    other.send('pointerup', 300, 300);
    send('pointerup', 400, 30);
    store.set({ tool: 'lasso' });
    send('pointerdown', 210, 30);
    send('pointermove', 400, 30);
    send('pointercancel', 0, 0);
    expect(store.state.selection).toBeNull();
    expect(tool.painters(store.state)).toHaveLength(0);
  });
});

describe('by keys', () => {
  it('arrows grow a block from the cursor on, Enter selects', () => {
    store.set({ hover: { size: 2, row: 0, col: 0 } });
    press('r');
    expect(document.activeElement).toBe(map);
    expect(store.state).toMatchObject({ tool: 'block', said: '1 by 1 cell, 3 samples' });
    press('ArrowRight');
    expect(store.state.said).toBe('1 by 2 cells, 4 samples');
    press('ArrowRight');
    press('ArrowDown');
    expect(store.state.said).toBe('2 by 2 cells, 6 samples');
    press('ArrowUp');
    expect(press('Enter').defaultPrevented).toBe(true);
    expect(rows()).toEqual([0, 1, 2, 5]);
    expect(store.state).toMatchObject({
      tool: '',
      pinned: null,
      hover: null,
      selectionList: 'entered',
    });
    // Arrows move the cursor again.
    press('ArrowLeft');
    expect(store.state.hover).not.toBeNull();
  });

  it('Escape leaves without a selection; other keys are the map’s', () => {
    store.set({ pinned: { size: 2, row: 1, col: 1 } });
    press('r');
    expect(store.state.said).toBe('1 by 1 cell, 2 samples');
    press('?');
    expect(store.state.help).toBe(true);
    press('Escape');
    expect(store.state).toMatchObject({ tool: '', selection: null });
    expect(store.state.pinned).not.toBeNull();
    press('Escape');
    expect(store.state.pinned).toBeNull();
  });

  it('begins in the middle of the view where no cell is meant, and ends by its own key', () => {
    store.set({ camera: { x: 0.9, y: 0.9, z: 2 } });
    press('r');
    press('Enter');
    expect(rows()).toEqual([3, 4]);
    press('l');
    expect(store.state.tool).toBe('lasso');
    press('ArrowLeft');
    expect(store.state.hover).not.toBeNull();
    press('l');
    expect(store.state.tool).toBe('');
  });

  it('Shift and Enter keep the cell under the cursor', () => {
    store.set({ hover: { size: 2, row: 1, col: 1 } });
    press('Enter', { shiftKey: true });
    expect(store.state).toMatchObject({ pins: '2.1.1.7.s1', pinned: null });
    press('k');
    expect(store.state.selectionList).toBe(false);
  });
});

describe('what is drawn', () => {
  interface Drawn {
    readonly name: string;
    readonly values: number[];
  }

  function draw(change: Partial<OverlayFrame> = {}): Drawn[] {
    const calls: Drawn[] = [];
    const context = new Proxy({} as CanvasRenderingContext2D, {
      get:
        (_target, property) =>
        (...values: number[]) => {
          calls.push({ name: String(property), values });
          return { width: 20 };
        },
      set: () => true,
    });
    const frame = { camera: FIT, viewport, ratio: 1, atlas, level, theme: THEMES.light, ...change };
    for (const paint of tool.painters(store.state)) paint(context, frame as OverlayFrame);
    return calls;
  }
  const of = (calls: Drawn[], name: string) =>
    calls.filter((call) => call.name === name).map(({ values }) => values);

  it('goes round the cells that are mostly selected, and marks each sample', () => {
    store.set({ selection: selectionOf(atlas, Int32Array.of(0, 1, 3)) });
    const calls = draw();
    // Both cells: two of three, and one of two. They touch at a corner only: four sides each.
    const sides = of(calls, 'lineTo').slice(0, 8);
    expect(sides).toHaveLength(8);
    expect(sides[0]).toEqual([400, 20]);
    // The diamond of (.1, .1) stands at (240, 60).
    expect(of(calls, 'moveTo')[8]).toEqual([expect.closeTo(240), expect.closeTo(60 - 3.2)]);
    expect(of(calls, 'setLineDash')).toContainEqual([[7, 5]]);
    const few = selectionOf(atlas, Int32Array.of(0));
    store.set({ selection: few });
    expect(of(draw(), 'closePath')).toHaveLength(1);
  });

  it('is nothing in an atlas of other samples', () => {
    store.set({ selection: selectionOf(atlas, Int32Array.of(0)) });
    expect(draw({ atlas: smallAtlas({ layer: 'layer4' }) })).toEqual([]);
  });

  it('is what is being drawn, in place', () => {
    send('pointerdown', 210, 30, { shiftKey: true });
    expect(draw()).toEqual([]);
    send('pointermove', 300, 130, { shiftKey: true });
    const corners = of(draw(), 'lineTo').map((point) => point.map(Math.round));
    expect(corners).toEqual([
      [210, 30],
      [300, 30],
      [300, 130],
      [210, 130],
    ]);
  });
});
