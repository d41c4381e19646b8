// SPDX-License-Identifier: Apache-2.0
/** Types that describe what the map shows: cells, modes, highlights, colors, and rectangles. */

import type { RunEvent } from '../wire/series_history';

/** A cell of a grid by row and column, independent of the step. */
export interface CellPlace {
  readonly size: number;
  readonly row: number;
  readonly col: number;
}

export function samePlace(a: CellPlace | null, b: CellPlace | null): boolean {
  return a === b || (a?.size === b?.size && a?.row === b?.row && a?.col === b?.col);
}

export const COLOR_MODES = [
  'icons',
  'class',
  'prediction',
  'concept',
  'purity',
  'accuracy',
  'confusion',
  'entropy',
  'cosine',
  'population',
] as const;

export type ColorMode = (typeof COLOR_MODES)[number];

export const SHOW_MODES = ['icons', 'points', 'both'] as const;

export type ShowMode = (typeof SHOW_MODES)[number];

export const COMPARE_MODES = ['difference', 'swipe', 'blink'] as const;

export type CompareMode = (typeof COMPARE_MODES)[number];

/** Quantities whose drift can be shown; `on` is the map. Links contain these names. */
export const DRIFTS = ['on', 'activation', 'attribution'] as const;

export type DriftQuantity = (typeof DRIFTS)[number];

/** Concepts or samples that are highlighted on the map, at every step. */
export interface Highlight {
  readonly ids: readonly number[];
  /** What `ids` refer to, if not to concepts; 'prediction': the classes of `event`. */
  readonly of?: 'image' | 'sample' | 'prediction';
  /** The probe of the samples, if atlases on screen have different probes. */
  readonly probe?: string;
  /** Key of the atlas of the samples, if every step has other samples. */
  readonly atlas?: string;
  readonly name: string;
  /** The event that was selected in the list, or null. */
  readonly event: RunEvent | null;
}

export interface CanvasTheme {
  readonly ground: Rgb;
  readonly neutralTile: Rgb;
  readonly accent: string;
  /** More and fewer: vermilion and blue, distinguishable under every common color-vision deficiency. */
  readonly gain: string;
  readonly loss: string;
  readonly label: string;
  readonly labelGround: string;
}

export type Rgb = readonly [number, number, number];

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
