// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { iconPlace } from '../../src/domain/icon_sprites';
import { chooseLevel, READABLE_CELL, resolveLevel } from '../../src/domain/level_of_detail';
import { want } from '../../src/host/settings';
import { Fade } from '../../src/map/cross_fade';
import { commandOf } from '../../src/map/keybindings';
import { iconScales } from '../../src/render/scene';
import { placeCard } from '../../src/ui/card_placement';
import type { Level } from '../../src/wire/atlas';
import { smallAtlas } from '../helpers/wire_builder';

describe('choice of level', () => {
  const levels = [10, 20, 40].map((size) => ({ size, covered: 0.9 }));

  it('selects the finest level whose cells are large enough', () => {
    expect(chooseLevel(levels, 10 * READABLE_CELL, null)).toBe(0);
    expect(chooseLevel(levels, 20 * READABLE_CELL - 1, null)).toBe(0);
    expect(chooseLevel(levels, 20 * READABLE_CELL, null)).toBe(1);
    expect(chooseLevel(levels, 100 * READABLE_CELL, null)).toBe(2);
  });

  it('has something to show when even the coarsest is too small', () => {
    expect(chooseLevel(levels, 10, null)).toBe(0);
  });

  it('changes the level with hysteresis, so that it never flickers', () => {
    const justBelow = 20 * READABLE_CELL * 0.9;
    expect(chooseLevel(levels, justBelow, null)).toBe(0);
    expect(chooseLevel(levels, justBelow, 20)).toBe(1);
    expect(chooseLevel(levels, justBelow, 10)).toBe(0);
  });

  it('passes over levels that are mostly holes', () => {
    const sparse = [...levels.slice(0, 2), { size: 40, covered: 0.1 }];
    expect(chooseLevel(sparse, 1e6, null)).toBe(1);
  });

  it('obeys a fixed choice and ignores one that does not exist', () => {
    expect(resolveLevel(levels, 40, 10, null)).toBe(2);
    expect(resolveLevel(levels, 33, 10, null)).toBe(0);
    expect(resolveLevel(levels, 'auto', 1e6, null)).toBe(2);
  });
});

describe('Fade', () => {
  const weights = (fade: Fade<string>) =>
    Object.fromEntries(fade.items.map(({ item, weight }) => [item, weight]));

  it('shows the first item at once', () => {
    const fade = new Fade<string>();
    fade.show('a');
    expect(weights(fade)).toEqual({ a: 1 });
    expect(fade.moving).toBe(false);
  });

  it('trades weight between two items and then removes the old one', () => {
    const fade = new Fade<string>();
    fade.show('a');
    fade.show('b');
    fade.advance(0.25);
    expect(weights(fade)).toEqual({ a: 0.75, b: 0.25 });
    fade.advance(0.75);
    expect(weights(fade)).toEqual({ b: 1 });
  });

  it('keeps the sum at 1 through a change of mind', () => {
    const fade = new Fade<string>();
    fade.show('a');
    fade.show('b');
    fade.advance(0.5);
    fade.show('c');
    fade.advance(0.2);
    expect(weights(fade)).toEqual({ a: 0.4, b: 0.4, c: 0.2 });
    fade.show('a');
    fade.advance(0.1);
    const sum = fade.items.reduce((total, { weight }) => total + weight, 0);
    expect(sum).toBeCloseTo(1);
    expect(weights(fade).a).toBeCloseTo(0.5);
    expect(fade.current).toBe('a');
  });

  it('exchanges the current item without a fade', () => {
    const fade = new Fade<string>();
    fade.show('a');
    fade.swap('b');
    expect(weights(fade)).toEqual({ b: 1 });
  });
});

describe('keys', () => {
  const key = (name: string, held: Partial<Record<'shiftKey' | 'ctrlKey', boolean>> = {}) =>
    commandOf({
      key: name,
      shiftKey: false,
      ctrlKey: false,
      altKey: false,
      metaKey: false,
      ...held,
    });

  it('moves the cursor, and pans with Shift', () => {
    expect(key('ArrowLeft')).toEqual({ do: 'cursor', dx: -1, dy: 0, cells: 1 });
    expect(key('ArrowUp', { ctrlKey: true })).toMatchObject({ dy: -1, cells: 10 });
    expect(key('ArrowDown', { shiftKey: true })).toEqual({ do: 'pan', dx: 0, dy: 1 });
  });

  it('chooses levels, steps and play', () => {
    expect(key('2')).toEqual({ do: 'level', index: 1 });
    expect(key('6')).toBeNull();
    expect(key(',')).toEqual({ do: 'step', by: -1 });
    expect(key('.')).toEqual({ do: 'step', by: 1 });
    expect(key(' ')).toEqual({ do: 'play' });
  });

  it('ignores letters, digits and signs if they are turned off', () => {
    want('no-letter-keys', true);
    expect(['c', 'C', '2', '+', ',', '?', '/'].map((name) => key(name))).toEqual(
      Array(7).fill(null),
    );
    const left = ['ArrowLeft', 'Enter', 'Escape', ' ', 'Home', 'PageUp'];
    for (const name of left) expect(key(name), name).not.toBeNull();
    want('no-letter-keys', false);
    expect(key('c')).toEqual({ do: 'compare' });
  });

  it("leaves the browser's own keys alone", () => {
    expect(key('+', { ctrlKey: true })).toBeNull();
    expect(key('Tab')).toBeNull();
    expect(key('toString')).toBeNull();
  });
});

describe('icons', () => {
  const level = smallAtlas().levels[0] as Level;

  it('are row by row on pages of columns × columns', () => {
    const wide = { ...level, kind: new Uint8Array(7).fill(3) } as Level;
    expect(iconPlace(wide, 0)).toEqual({ page: 0, x: 0, y: 0, side: 8 });
    expect(iconPlace(wide, 3)).toEqual({ page: 0, x: 8, y: 8, side: 8 });
    expect(iconPlace(wide, 6)).toEqual({ page: 1, x: 0, y: 8, side: 8 });
  });

  it('have no place where a cell has none', () => {
    expect(iconPlace(level, 1)).toBeNull();
  });

  it('grow with the square root of the population, up to the gap', () => {
    const counted = { ...level, counts: new Int32Array([1, 25, 100, 100, 100]) } as Level;
    const [small, middle, large] = iconScales(counted);
    expect(large).toBeCloseTo(0.96);
    expect(middle).toBeCloseTo(0.96 * (0.66 + 0.34 * 0.5));
    expect(small).toBeCloseTo(0.96 * (0.66 + 0.34 * 0.1));
  });
});

describe('placeCard', () => {
  const room = { width: 1000, height: 600 };

  it('is to the right of its cell', () => {
    expect(placeCard({ x: 300, y: 280, side: 40 }, room)).toEqual({ left: 350, top: 300, up: 0.5 });
  });

  it('changes sides where there is no room, and never leaves the stage', () => {
    expect(placeCard({ x: 800, y: 280, side: 40 }, room).left).toBe(470);
    for (const [y, height] of [
      [-50, 480],
      [0, 480],
      [280, 100],
      [280, 584],
      [590, 480],
      [700, 20],
    ] as const) {
      const { top, up } = placeCard({ x: 300, y, side: 40 }, room);
      expect(top - up * height).toBeGreaterThanOrEqual(8);
      expect(top - up * height + height).toBeLessThanOrEqual(592);
    }
  });
});
