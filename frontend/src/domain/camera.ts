// SPDX-License-Identifier: Apache-2.0
/**
 * Camera over the unit square: a center and a zoom, where zoom 1 shows the whole map, which hardly
 * ever fills the square: a run keeps the frame of its first step, and is wider than high.
 */

export interface Camera {
  /** Map coordinates at the middle of the viewport. */
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** How much of the unit square, about its middle, the whole map takes: across and down. */
export interface Extent {
  readonly across: number;
  readonly down: number;
}

/** Size of the map's element in CSS pixels, and of what is to fit into it. */
export interface Viewport extends Partial<Extent> {
  readonly width: number;
  readonly height: number;
  /** Width at the right that is under a panel. */
  readonly covered?: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export const FIT: Camera = { x: 0.5, y: 0.5, z: 1 };
export const MIN_ZOOM = 0.6;
export const MAX_ZOOM = 60;
const MARGIN = 20;
const MIN_SIDE = 40;

/** CSS pixels across the unit square at zoom 1. */
export function fitSide({ width, height, across = 1, down = 1 }: Viewport): number {
  const side = Math.min((width - 2 * MARGIN) / across, (height - 2 * MARGIN) / down);
  return Math.max(MIN_SIDE, side);
}

/** The camera that shows the whole map, beside what covers part of the element. */
export function fitCamera(viewport: Viewport): Camera {
  const { width, covered = 0 } = viewport;
  const whole = fitSide(viewport);
  const z = Math.max(MIN_ZOOM, fitSide({ ...viewport, width: width - covered }) / whole);
  return clampCamera({ x: FIT.x + covered / 2 / (z * whole), y: FIT.y, z });
}

/** CSS pixels across the unit square. */
export function worldSide(camera: Camera, viewport: Viewport): number {
  return fitSide(viewport) * camera.z;
}

export function toScreen(camera: Camera, viewport: Viewport, world: Point): Point {
  const side = worldSide(camera, viewport);
  return {
    x: viewport.width / 2 + (world.x - camera.x) * side,
    y: viewport.height / 2 + (world.y - camera.y) * side,
  };
}

export function toWorld(camera: Camera, viewport: Viewport, screen: Point): Point {
  const side = worldSide(camera, viewport);
  return {
    x: camera.x + (screen.x - viewport.width / 2) / side,
    y: camera.y + (screen.y - viewport.height / 2) / side,
  };
}

/** Left, top, right, and bottom edge of what is on screen, in map units. */
export type View = readonly [number, number, number, number];

export function viewOf(camera: Camera, viewport: Viewport): View {
  const { width, height } = viewport;
  const from = toWorld(camera, viewport, { x: 0, y: 0 });
  const to = toWorld(camera, viewport, { x: width, y: height });
  return [from.x, from.y, to.x, to.y];
}

/** Keeps the center on the map and the zoom within its range; NaN falls back to the whole map. */
export function clampCamera(camera: Camera): Camera {
  const within = (value: number, low: number, high: number, otherwise: number) =>
    Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : otherwise;
  return {
    x: within(camera.x, 0, 1, FIT.x),
    y: within(camera.y, 0, 1, FIT.y),
    z: within(camera.z, MIN_ZOOM, MAX_ZOOM, FIT.z),
  };
}

/** Zooms by `factor` so that the map under `screen` stays where it is. */
export function zoomAt(camera: Camera, viewport: Viewport, screen: Point, factor: number): Camera {
  const z = clampCamera({ ...camera, z: camera.z * factor }).z;
  const held = toWorld(camera, viewport, screen);
  const side = fitSide(viewport) * z;
  return clampCamera({
    x: held.x - (screen.x - viewport.width / 2) / side,
    y: held.y - (screen.y - viewport.height / 2) / side,
    z,
  });
}

/** Moves the camera by CSS pixels. */
export function panBy(camera: Camera, viewport: Viewport, dx: number, dy: number): Camera {
  const side = worldSide(camera, viewport);
  return clampCamera({ ...camera, x: camera.x + dx / side, y: camera.y + dy / side });
}

/** The camera part of the way from `from` to `to`; zoom moves by ratio, as the eye reads it. */
export function between(from: Camera, to: Camera, t: number): Camera {
  const z = from.z * (to.z / from.z) ** t;
  const slide = to.z === from.z ? t : (1 / from.z - 1 / z) / (1 / from.z - 1 / to.z);
  return { x: from.x + (to.x - from.x) * slide, y: from.y + (to.y - from.y) * slide, z };
}

/** The least movement that brings the square cell at a row and column into view. */
export function reveal(
  camera: Camera,
  viewport: Viewport,
  size: number,
  row: number,
  col: number,
): Camera {
  const first = toScreen(camera, viewport, { x: col / size, y: row / size });
  const last = toScreen(camera, viewport, { x: (col + 1) / size, y: (row + 1) / size });
  const shift = (low: number, high: number, room: number) => {
    const [before, behind] = [low - MARGIN, high - (room - MARGIN)];
    // Of a cell larger than the room neither edge is brought in at the cost of the other.
    return before < 0
      ? Math.min(0, Math.max(before, behind))
      : Math.max(0, Math.min(before, behind));
  };
  const dx = shift(first.x, last.x, viewport.width - (viewport.covered ?? 0));
  const dy = shift(first.y, last.y, viewport.height);
  return dx === 0 && dy === 0 ? camera : panBy(camera, viewport, dx, dy);
}
