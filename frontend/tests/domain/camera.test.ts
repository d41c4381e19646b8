// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  between,
  clampCamera,
  FIT,
  fitCamera,
  fitSide,
  MAX_ZOOM,
  panBy,
  reveal,
  toScreen,
  toWorld,
  worldSide,
  zoomAt,
} from '../../src/domain/camera';

/** The map is 400 pixels across at zoom 1: 440 less two margins of 20. */
const viewport = { width: 800, height: 440 };

describe('camera', () => {
  it('shows the whole map in the middle at the start', () => {
    expect(fitSide(viewport)).toBe(400);
    expect(toScreen(FIT, viewport, { x: 0, y: 0 })).toEqual({ x: 200, y: 20 });
    expect(toScreen(FIT, viewport, { x: 1, y: 1 })).toEqual({ x: 600, y: 420 });
  });

  it('calls the occupied part of the square the whole map', () => {
    const wide = { ...viewport, across: 0.9, down: 0.5 };
    expect(fitSide(wide)).toBe(800);
    expect(toScreen(FIT, wide, { x: 0.05, y: 0.25 })).toEqual({ x: 40, y: 20 });
    expect(fitSide({ width: 400, height: 800, across: 0.9, down: 0.5 })).toBeCloseTo(400);
    expect(fitSide({ width: 10, height: 10, across: 0.9, down: 0.5 })).toBe(40);
  });

  it('goes to the screen and back', () => {
    const camera = { x: 0.3, y: 0.7, z: 5 };
    const screen = toScreen(camera, viewport, { x: 0.25, y: 0.8 });
    const world = toWorld(camera, viewport, screen);
    expect(world.x).toBeCloseTo(0.25);
    expect(world.y).toBeCloseTo(0.8);
  });

  it('zooms around the pointer', () => {
    const pointer = { x: 500, y: 120 };
    const held = toWorld(FIT, viewport, pointer);
    const zoomed = zoomAt(FIT, viewport, pointer, 4);
    expect(zoomed.z).toBe(4);
    expect(toScreen(zoomed, viewport, held).x).toBeCloseTo(500);
    expect(toScreen(zoomed, viewport, held).y).toBeCloseTo(120);
  });

  it('does not drift when zoom is at its end', () => {
    const camera = { x: 0.2, y: 0.4, z: MAX_ZOOM };
    const zoomed = zoomAt(camera, viewport, { x: 10, y: 10 }, 2);
    expect(zoomed.z).toBe(MAX_ZOOM);
    expect(zoomed.x).toBeCloseTo(0.2);
    expect(zoomed.y).toBeCloseTo(0.4);
  });

  it('keeps its center on the map and survives nonsense', () => {
    expect(clampCamera({ x: -3, y: 9, z: 1e9 })).toEqual({ x: 0, y: 1, z: MAX_ZOOM });
    expect(clampCamera({ x: Number.NaN, y: Number.NaN, z: Number.NaN })).toEqual(FIT);
  });

  it('pans by pixels at any zoom', () => {
    const panned = panBy({ x: 0.5, y: 0.5, z: 2 }, viewport, 80, -40);
    expect(panned.x).toBeCloseTo(0.6);
    expect(panned.y).toBeCloseTo(0.45);
    expect(worldSide(panned, viewport)).toBe(800);
  });

  it('flies from end to end, zoom by ratio', () => {
    const from = { x: 0.1, y: 0.2, z: 1 };
    const to = { x: 0.9, y: 0.4, z: 4 };
    expect(between(from, to, 0)).toEqual(from);
    expect(between(from, to, 1).x).toBeCloseTo(0.9);
    expect(between(from, to, 0.5).z).toBeCloseTo(2);
    expect(between(FIT, FIT, 0.5)).toEqual(FIT);
  });

  it('moves only as far as a cell needs to come into view', () => {
    const camera = { x: 0.5, y: 0.5, z: 4 };
    expect(reveal(camera, viewport, 10, 5, 5)).toBe(camera);
    const moved = reveal(camera, viewport, 10, 5, 9);
    expect(toScreen(moved, viewport, { x: 1, y: 0.5 }).x).toBeCloseTo(780);
    expect(moved.y).toBe(0.5);
  });

  it('brings a cell out from under what covers the right of the map', () => {
    const camera = { x: 0.5, y: 0.5, z: 4 };
    const covered = { ...viewport, covered: 300 };
    const moved = reveal(camera, covered, 10, 5, 9);
    expect(toScreen(moved, covered, { x: 1, y: 0.5 }).x).toBeCloseTo(480);
    expect(reveal(camera, covered, 10, 5, 4)).toBe(camera);
  });

  it('does not throw aside a cell that is larger than the view', () => {
    const inside = { x: 0.55, y: 0.55, z: 40 };
    expect(reveal(inside, viewport, 10, 5, 5)).toBe(inside);
    // One edge within: it stays there, and no more of the cell would be seen for moving.
    const low = { x: 0.5, y: 0.55, z: 40 };
    const moved = reveal(low, viewport, 10, 5, 5);
    expect(toScreen(moved, viewport, { x: 0.5, y: 0.5 }).x).toBeCloseTo(20);
  });

  it('fits the whole map beside what covers the right of it', () => {
    expect(fitCamera(viewport)).toEqual(FIT);
    // There is room for it as large as it was: it only gives way.
    const beside = { ...viewport, covered: 300 };
    expect(toScreen(fitCamera(beside), beside, { x: 0, y: 0 }).x).toBeCloseTo(50);
    expect(toScreen(fitCamera(beside), beside, { x: 1, y: 1 }).x).toBeCloseTo(450);
    const narrow = { width: 700, height: 440, covered: 320 };
    expect(toScreen(fitCamera(narrow), narrow, { x: 0, y: 0.5 }).x).toBeCloseTo(20);
    expect(toScreen(fitCamera(narrow), narrow, { x: 1, y: 0.5 }).x).toBeCloseTo(360);
    // Where that would take less than the least zoom it is as small as can be, and in the middle.
    const high = { width: 700, height: 1000, covered: 320 };
    const [left, right] = [0, 1].map((x) => toScreen(fitCamera(high), high, { x, y: 0.5 }).x);
    expect(((left as number) + (right as number)) / 2).toBeCloseTo(190);
  });
});
