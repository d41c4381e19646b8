// SPDX-License-Identifier: Apache-2.0
/** Input of a renderer: scenes (one level of one atlas, colored) and their opacities. */

import type { Camera, Viewport } from '../domain/camera';
import type { Rgb } from '../domain/display_types';
import type { IconPage } from '../domain/icon_sprites';
import type { Atlas, Level } from '../wire/atlas';

export interface SceneColors {
  /** RGBA of every cell, or null. */
  readonly cellColors: Uint8Array | null;
  /** RGBA of every sample, or null while points are not drawn. */
  readonly pointColors: Uint8Array | null;
}

/** Points on the map, with the color of each. */
export interface ColoredPoints {
  readonly atlas: Pick<Atlas, 'count' | 'xy'>;
  /** RGBA, or null while points are not drawn. */
  readonly pointColors: Uint8Array | null;
}

export interface Scene extends SceneColors {
  readonly atlas: Atlas;
  readonly level: Level;
  /** Icon pages in order. Cells of one that failed or is not here have neutral tiles. */
  readonly pages: readonly IconPage[];
  readonly tiles: boolean;
}

/** Tiles and points between their places at two steps. */
export interface Motion {
  /** From every cell's place, in map units: x, y. */
  readonly displacements: Float32Array;
  /** How much of its way a tile is away from its place. */
  readonly share: number;
  /** x, y of every sample just now. */
  readonly points: Float32Array;
}

export interface WeightedScene {
  readonly scene: Scene;
  /** Weights of a frame sum to 1, but where tiles move and may cover each other. */
  readonly weight: number;
  readonly motion?: Motion;
  /** Points of samples that the atlas does not contain, under its own. */
  readonly more?: readonly ColoredPoints[] | undefined;
  /** From where to where it is drawn, in CSS pixels from the left; absent for everywhere. */
  readonly clip?: readonly [number, number];
}

export interface Frame {
  readonly camera: Camera;
  readonly viewport: Viewport;
  /** Device pixels per CSS pixel. */
  readonly ratio: number;
  /** Device pixels that are drawn beyond each edge of the view; absent for none. */
  readonly margin?: number;
  /** The canvas was emptied since the last frame. */
  readonly cleared?: boolean;
  readonly scenes: readonly WeightedScene[];
  /** Color of a tile without icon. */
  readonly neutral: Rgb;
  /** Color of the ring around points. */
  readonly ground: Rgb;
}

export interface Renderer {
  draw(frame: Frame): void;
}

/** Largest side of an icon as a share of its cell; the rest is the gap between neighbors. */
const FULLEST = 0.96;
const SMALLEST = 0.66;
const FULL_AT_QUANTILE = 0.85;

const scalesOf = new WeakMap<Level, Float32Array>();

/** Side of every icon as a share of its cell: the square root of its population, softly. */
export function iconScales(level: Level): Float32Array {
  let scales = scalesOf.get(level);
  if (scales === undefined) {
    const sorted = Float32Array.from(level.counts).sort();
    const full = Math.max(1, sorted[Math.floor((sorted.length - 1) * FULL_AT_QUANTILE)] ?? 1);
    scales = Float32Array.from(level.counts, (count) => {
      const soft = SMALLEST + (1 - SMALLEST) * Math.sqrt(count / full);
      return FULLEST * Math.min(1, soft);
    });
    scalesOf.set(level, scales);
  }
  return scales;
}

/** Diameter of a point in CSS pixels: it grows slowly as the camera comes near. */
export function pointSize(camera: Camera): number {
  return Math.min(9, 3.4 * camera.z ** 0.35);
}

/** Width of the colored rim of a tile in CSS pixels, by the side of its cell. */
export function rimWidth(cellSide: number): number {
  return Math.min(6, Math.max(2, cellSide * 0.075));
}
