// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Camera, FIT, toWorld, zoomAt } from '../../src/domain/camera';
import type { CellPlace } from '../../src/domain/display_types';
import type { AtlasMap } from '../../src/map/atlas_map';
import { Interaction } from '../../src/map/interaction';
import { ZoomGestures } from '../../src/map/pointer_gestures';
import type { Player } from '../../src/state/player';
import type { Session } from '../../src/state/session';
import { Store } from '../../src/state/store';
import type { Level } from '../../src/wire/atlas';
import { Hand } from '../helpers/hand';
import { smallAtlas } from '../helpers/wire_builder';

function surface(): HTMLElement {
  const element = document.createElement('div');
  element.setPointerCapture = () => {};
  document.body.replaceChildren(element);
  return element;
}

/** After a drag d3-drag ignores clicks until the task has ended. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

describe('ZoomGestures', () => {
  /** The map is 400 pixels across, from (200, 20) to (600, 420). */
  const viewport = { width: 800, height: 440 };
  let calls: unknown[][];
  let element: HTMLElement;
  let hand: Hand;
  let scrolls: boolean;
  let selects: boolean;
  let camera: Camera;
  beforeEach(async () => {
    await settle();
    calls = [];
    element = surface();
    hand = new Hand(element);
    const note =
      (name: string) =>
      (...values: unknown[]) => {
        calls.push([name, ...values]);
      };
    camera = FIT;
    selects = false;
    new ZoomGestures(element, {
      get camera() {
        return camera;
      },
      viewport,
      move: (to) => {
        camera = to;
        calls.push(['move']);
      },
      click: note('click'),
      doubleClick: note('double'),
      hover: note('hover'),
      drag: note('drag'),
      scroll: () => scrolls,
      selects: () => selects,
    });
    scrolls = false;
  });

  it('clicks where the pointer hardly moves', () => {
    hand.send('pointerdown', 50, 50);
    hand.send('pointermove', 52, 51);
    hand.send('pointerup', 52, 51);
    expect(calls).toEqual([['click', { x: 52, y: 51 }, false]]);
    expect(camera).toEqual(FIT);
  });

  it('drags the map along and does not click then', () => {
    hand.send('pointerdown', 50, 50);
    hand.send('pointermove', 60, 45);
    hand.send('pointermove', 61, 45);
    hand.send('pointerup', 61, 45);
    expect(calls).toEqual([['drag', true], ['move'], ['move'], ['drag', false]]);
    expect(camera.x).toBeCloseTo(0.5 - 11 / 400);
    expect(camera.y).toBeCloseTo(0.5 + 5 / 400);
  });

  it('makes two quick clicks at one place a double click', () => {
    hand.click(50, 50);
    hand.time = 200;
    hand.click(53, 50, { shiftKey: true });
    hand.time = 300;
    hand.click(53, 50);
    expect(calls.map(([name]) => name)).toEqual(['click', 'double', 'click']);
    expect(calls[1]).toEqual(['double', { x: 53, y: 50 }, true]);
  });

  it('leaves slow or distant clicks single', () => {
    hand.click(50, 50);
    hand.time = 600;
    hand.click(50, 50);
    hand.time = 700;
    hand.click(150, 50);
    expect(calls.map(([name]) => name)).toEqual(['click', 'click', 'click']);
  });

  it('leaves clicks single between which a mouse, but not a finger, was elsewhere', () => {
    for (const pointerType of ['mouse', 'touch'] as const) {
      hand.click(50, 50, { pointerType });
      hand.send('pointerleave', 400, 50, { pointerType });
      hand.click(50, 50, { pointerType });
      hand.time += 1000;
    }
    const names = calls.map(([name]) => name).filter((name) => name !== 'hover');
    expect(names).toEqual(['click', 'click', 'click', 'double']);
  });

  it('reports a double tap once, though the browser may say it twice', () => {
    const tap = { pointerType: 'touch' } as const;
    hand.click(50, 50, tap);
    hand.time = 200;
    hand.click(50, 50, tap);
    expect(calls.map(([name]) => name)).toEqual(['click', 'double']);
  });

  it('follows other changes of the camera', () => {
    camera = { x: 0.25, y: 0.25, z: 4 };
    hand.send('pointerdown', 50, 50);
    hand.send('pointermove', 66, 50);
    hand.send('pointerup', 66, 50);
    expect(camera.x).toBeCloseTo(0.25 - 16 / 1600);
    expect(camera).toMatchObject({ y: 0.25, z: 4 });
  });

  it('leaves the map alone while a press selects', () => {
    selects = true;
    hand.send('pointerdown', 50, 50);
    hand.send('pointermove', 90, 50);
    hand.send('pointerup', 90, 50);
    expect(camera).toEqual(FIT);
  });

  function wheel(deltaY: number, more: Record<string, unknown> = {}): WheelEvent {
    const event = new WheelEvent('wheel', { deltaY, cancelable: true, ...more });
    Object.defineProperties(event, { clientX: { value: 30 }, clientY: { value: 40 } });
    for (const [key, value] of Object.entries(more)) Object.defineProperty(event, key, { value });
    element.dispatchEvent(event);
    return event;
  }

  it('leaves the wheel to a page that scrolls, but not with a key held', () => {
    scrolls = true;
    expect(wheel(-500).defaultPrevented).toBe(false);
    expect(calls).toEqual([]);
    for (const held of ['ctrlKey', 'altKey', 'metaKey']) {
      expect(wheel(-500, { [held]: true }).defaultPrevented, held).toBe(true);
      expect(calls).toEqual([['move']]);
      expect(camera.z).toBeCloseTo(2);
      calls.length = 0;
      camera = FIT;
    }
  });

  it('treats small turns with Ctrl as a pinch', () => {
    wheel(-5, { ctrlKey: true });
    expect(camera.z).toBeCloseTo(2 ** 0.1);
  });

  it('zooms by the wheel, up to come nearer', () => {
    expect(wheel(-500).defaultPrevented).toBe(true);
    const near = zoomAt(FIT, viewport, { x: 30, y: 40 }, 2);
    for (const axis of ['x', 'y', 'z'] as const) expect(camera[axis]).toBeCloseTo(near[axis]);
    wheel(20, { deltaMode: 1 });
    expect(camera.z).toBeCloseTo(1);
    // Also where it can go no farther, the page does not scroll.
    camera = { ...FIT, z: 60 };
    expect(wheel(-500).defaultPrevented).toBe(true);
  });

  it('pinches around the point between two fingers', () => {
    const other = new Hand(element, 2);
    hand.send('pointerdown', 100, 100, { pointerType: 'touch' });
    other.send('pointerdown', 200, 100, { pointerType: 'touch' });
    other.send('pointermove', 300, 100, { pointerType: 'touch' });
    // The middle of the two goes from 150 to 200, and they are twice as far apart.
    const before = toWorld(FIT, viewport, { x: 150, y: 100 });
    const after = toWorld(camera, viewport, { x: 200, y: 100 });
    expect(camera.z).toBeCloseTo(2);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
    expect(calls.slice(0, 2)).toEqual([['drag', true], ['move']]);
    other.send('pointerup', 300, 100, { pointerType: 'touch' });
    hand.send('pointerup', 100, 100, { pointerType: 'touch' });
    expect(calls.filter(([name]) => name === 'drag')).toEqual([
      ['drag', true],
      ['drag', false],
    ]);
  });

  it('hovers with a mouse and not with a finger', () => {
    hand.send('pointermove', 10, 20);
    hand.send('pointermove', 11, 20, { pointerType: 'touch' });
    hand.send('pointerleave', 0, 0);
    expect(calls).toEqual([
      ['hover', { x: 10, y: 20 }],
      ['hover', null],
    ]);
  });

  it('ignores the other buttons and a gesture that the system took away', () => {
    hand.click(50, 50, { button: 2 });
    hand.send('pointerdown', 50, 50);
    hand.send('pointercancel', 50, 50);
    expect(calls).toEqual([]);
  });
});

describe('Interaction', () => {
  const HOVER_MS = 60;
  const atlas = smallAtlas();
  const level = atlas.levels[0] as Level;
  /** The map is 400 pixels across, from (200, 20) to (600, 420); a cell is 200. */
  const viewport = { width: 800, height: 440 };
  let store: Store;
  let map: HTMLElement;
  let hand: Hand;
  let flights: Camera[];
  let shown: CellPlace[];
  let steps: (number | string)[];
  beforeEach(async () => {
    await settle();
    vi.useFakeTimers();
    store = new Store();
    store.set({ atlas, shownLevel: 2 });
    flights = [];
    shown = [];
    steps = [];
    map = Object.assign(surface(), {
      viewport,
      scene: { atlas, level, tiles: true },
      goal: FIT,
      moveTo: (camera: Camera) => store.set({ camera }),
      flyTo: (camera: Camera) => flights.push(camera),
      reveal: (place: CellPlace) => shown.push(place),
      zoomBy: (factor: number) => flights.push({ ...FIT, z: factor }),
      fit: () => flights.push(FIT),
    });
    hand = new Hand(map);
    const player = { stepBy: (by: number) => steps.push(by), toggle: () => steps.push('play') };
    new Interaction(
      map as unknown as AtlasMap,
      { store } as unknown as Session,
      player as unknown as Player,
    );
  });
  afterEach(() => {
    vi.runOnlyPendingTimers();
    vi.useRealTimers();
  });

  function press(key: string, more: KeyboardEventInit = {}): void {
    map.dispatchEvent(new KeyboardEvent('keydown', { key, ...more }));
  }

  it('shows the card of a cell once the pointer rests', () => {
    hand.send('pointermove', 300, 100);
    vi.advanceTimersByTime(HOVER_MS - 1);
    expect(store.state.hover).toBeNull();
    vi.advanceTimersByTime(1);
    expect(store.state.hover).toEqual({ size: 2, row: 0, col: 0 });
  });

  it('shows none where no cell is visible, and hides it when the pointer leaves', () => {
    hand.send('pointermove', 300, 100);
    vi.advanceTimersByTime(HOVER_MS);
    hand.send('pointermove', 500, 100);
    vi.advanceTimersByTime(HOVER_MS);
    expect(store.state.hover).toBeNull();
    hand.send('pointermove', 500, 300);
    vi.advanceTimersByTime(HOVER_MS);
    expect(store.state.hover).toEqual({ size: 2, row: 1, col: 1 });
    hand.send('pointerleave', 0, 0);
    vi.advanceTimersByTime(HOVER_MS);
    expect(store.state.hover).toBeNull();
  });

  it('pins by click and leaves the pin alone when a double click zooms', () => {
    hand.click(500, 300);
    expect(store.state.pinned).toEqual({ size: 2, row: 1, col: 1 });
    hand.time = 1000;
    hand.click(300, 100);
    hand.time = 1100;
    hand.click(300, 100);
    expect(store.state.pinned).toEqual({ size: 2, row: 1, col: 1 });
    expect(flights.map(({ z }) => z)).toEqual([2]);
  });

  it('zooms by a double click around what was under it before its first half moved the map', () => {
    hand.time = 1000;
    hand.click(300, 100);
    // As a pinned cell does that comes out from under the inspector.
    Object.assign(map, { goal: { x: 0.9, y: 0.5, z: 1 } });
    hand.time = 1100;
    hand.click(300, 100);
    expect(flights).toEqual([zoomAt(FIT, viewport, { x: 300, y: 100 }, 2)]);
  });

  it('hides the card while the map is dragged', () => {
    hand.send('pointermove', 300, 100);
    vi.advanceTimersByTime(HOVER_MS);
    hand.send('pointerdown', 300, 100);
    hand.send('pointermove', 320, 100);
    vi.advanceTimersByTime(HOVER_MS);
    expect(store.state.hover).toBeNull();
    expect(store.state.camera.x).toBeCloseTo(0.45);
    expect(map.classList.contains('dragging')).toBe(true);
    hand.send('pointerup', 320, 100);
    expect(map.classList.contains('dragging')).toBe(false);
  });

  it('moves a cursor by arrows, from the center of the view on', () => {
    store.set({ camera: { x: 0.8, y: 0.8, z: 1 } });
    press('ArrowLeft');
    expect(store.state.hover).toEqual({ size: 2, row: 1, col: 1 });
    press('ArrowLeft');
    expect(store.state.hover).toEqual({ size: 2, row: 0, col: 0 });
    press('ArrowUp');
    expect(store.state.hover).toEqual({ size: 2, row: 0, col: 0 });
    expect(shown.at(-1)).toEqual(store.state.hover);
  });

  it('goes far with Ctrl, and to the ends of a row', () => {
    press('ArrowLeft', { ctrlKey: true });
    press('ArrowRight', { ctrlKey: true });
    expect(store.state.hover).toEqual({ size: 2, row: 1, col: 1 });
    press('Home');
    expect(store.state.hover).toEqual({ size: 2, row: 1, col: 1 });
    store.set({ hover: { size: 2, row: 0, col: 1 } });
    press('Home');
    expect(store.state.hover).toEqual({ size: 2, row: 0, col: 0 });
  });

  it('shows icons, points and both in turn, and announces which', () => {
    const shown = ['points', 'both', 'icons'].map((show) => {
      press('p');
      expect(store.state.show).toBe(show);
      return store.state.notice;
    });
    expect(shown).toEqual(['Points', 'Icons and points', 'Icons']);
    vi.advanceTimersByTime(3000);
    expect(store.state.notice).toBe('');
  });

  it('turns the sign of attribution, and says where there is none', () => {
    press('n');
    expect(store.state.sign).toBe('');
    expect(store.state.notice).toContain('Only attribution');
    store.set({ filter: 'toward:1' });
    const signs = [1, 2, 3].map(() => {
      press('n');
      return store.state.sign;
    });
    expect(signs).toEqual(['hurts', 'both', '']);
  });

  it('pins the cursor by Enter and unpins by Escape', () => {
    press('Enter');
    expect(store.state.pinned).toBeNull();
    press('ArrowLeft');
    press('Enter');
    expect(store.state.pinned).not.toBeNull();
    press('Escape');
    expect(store.state).toMatchObject({ hover: null, pinned: null });
  });

  it('zooms, pans and fits by keys', () => {
    press('+');
    press('0');
    press('ArrowRight', { shiftKey: true });
    expect(flights[0]?.z).toBe(1.5);
    expect(flights[1]).toEqual(FIT);
    expect(flights[2]?.x).toBeCloseTo(0.7);
  });

  it('holds a grid, and releases it when pressed again', () => {
    press('1');
    expect(store.state.level).toBe(2);
    press('1');
    expect(store.state.level).toBe('auto');
    press('5');
    expect(store.state.level).toBe('auto');
  });

  it('steps, plays and helps by keys', () => {
    press(',');
    press('.');
    press(' ');
    press('?');
    expect(steps).toEqual([-1, 1, 'play']);
    expect(store.state.help).toBe(true);
  });
});
