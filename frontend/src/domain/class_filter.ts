// SPDX-License-Identifier: Apache-2.0
/** The class filter: its settings, and which cells of a level pass with which value. */

import { type Atlas, className, type Level } from '../wire/atlas';
import { findAttribution } from '../wire/attribution';
import { majority } from './cell_stats';

const KINDS = ['top', 'toward'] as const;
/** Top class of a cell's samples, or attribution toward a class. */
export type Kind = (typeof KINDS)[number];

export const SIGNS = ['helps', 'hurts', 'both'] as const;
export type Sign = (typeof SIGNS)[number];

/** Maximum number of classes in a filter. */
export const MOST_CLASSES = 4;
/** Cells with fewer samples are marked, not ranked: their mean may be one odd image. */
export const MIN_SUPPORT = 8;
const MOST_INDEX = 99_999;

export interface Filter {
  readonly kind: Kind;
  readonly classes: readonly number[];
  /** Counts for attribution alone. */
  readonly sign: Sign;
}

/** The filter as the address holds it. */
export interface FilterText {
  readonly filter: string;
  readonly sign: string;
}

/** Reads the filter out of the state, where it stands as it does in the address. */
export function readFilter({ filter, sign }: FilterText): Filter {
  const [kind, list = ''] = filter.slice(0, 100).split(':');
  const numbers = list
    .split(',')
    .filter((text) => /^\d{1,5}$/.test(text))
    .map(Number)
    .filter((index) => index <= MOST_INDEX);
  return {
    kind: KINDS.find((one) => one === kind) ?? 'top',
    classes: [...new Set(numbers)].slice(0, MOST_CLASSES),
    sign: SIGNS.find((one) => one === sign) ?? 'helps',
  };
}

/** The state of `filter` as text of the URL, without defaults. */
export function writeFilter({ kind, classes, sign }: Filter): FilterText {
  const idle = kind === 'top' && classes.length === 0;
  return {
    filter: idle ? '' : `${kind}:${classes.join()}`,
    sign: sign === 'helps' ? '' : sign,
  };
}

/** Value of every cell of a level under a filter. */
export interface FilterResult {
  /** Share of the top class, or attribution in logits with its sign; NaN where nothing is known. */
  readonly values: Float32Array;
  /** Index of the class in the filter, or -1. */
  readonly which: Int8Array;
  readonly passes: Uint8Array;
  /** Samples of every cell that its value is computed from. */
  readonly support: Int32Array;
  /** Cells that pass with samples enough, strongest first. */
  readonly ranked: readonly number[];
  /** How many cells pass; how many of those have too few samples. */
  readonly passing: number;
  readonly sparse: number;
  /** The largest absolute value among the ranked cells, or among all that pass where none is. */
  readonly most: number;
  /** Least and greatest value among the ranked cells, or null where none is. */
  readonly range: readonly [number, number] | null;
}

const lastOf = new WeakMap<
  Level,
  { readonly key: string; readonly result: FilterResult | string }
>();

/** Which cells pass, or why that is unknown. Cached as long as the filter is the same. */
export function applyFilter(atlas: Atlas, level: Level, filter: Filter): FilterResult | string {
  const key = JSON.stringify(filter);
  const last = lastOf.get(level);
  if (last?.key === key) return last.result;
  const result =
    filter.kind === 'top' ? byTop(atlas, level, filter) : byAttribution(atlas, level, filter);
  lastOf.set(level, { key, result });
  return result;
}

function byTop(atlas: Atlas, level: Level, { classes }: Filter): FilterResult | string {
  const values = atlas.labels ?? atlas.predictions;
  if (values === null) return 'No labels or predictions were recorded in this run.';
  const top = majority(level, values);
  const which = Int8Array.from(top.index, (index) => classes.indexOf(index));
  return rankPassingCells(level.loaded, top.share, which, (cell) => (which[cell] as number) >= 0);
}

function byAttribution(atlas: Atlas, level: Level, filter: Filter): FilterResult | string {
  const attribution = findAttribution(atlas, level);
  if (typeof attribution === 'string') return attribution;
  const { classes, sign } = filter;
  const strange = classes.find((index) => index >= attribution.classes);
  if (strange !== undefined) return `This run has no ${className(atlas, strange)}.`;
  const cells = level.rows.length;
  const values = new Float32Array(cells).fill(Number.NaN);
  const which = new Int8Array(cells).fill(-1);
  const weight = WEIGHTS[sign];
  for (let cell = 0; cell < cells; cell++) {
    let best = Number.NEGATIVE_INFINITY;
    classes.forEach((index, place) => {
      const value = attribution.at(cell, index);
      if (!Number.isFinite(value) || weight(value) <= best) return;
      best = weight(value);
      values[cell] = value;
      which[cell] = place;
    });
  }
  return rankPassingCells(
    level.counts,
    values,
    which,
    (cell) => weight(values[cell] as number) > 0,
  );
}

/** Weight by which one of several classes is chosen for a sign; the cell passes if it is above 0. */
const WEIGHTS: Readonly<Record<Sign, (value: number) => number>> = {
  helps: (value) => value,
  hurts: (value) => -value,
  both: Math.abs,
};

function rankPassingCells(
  support: Int32Array,
  values: Float32Array,
  which: Int8Array,
  test: (cell: number) => boolean,
): FilterResult {
  const passes = Uint8Array.from(support, (_, cell) => (test(cell) ? 1 : 0));
  const passing = [...passes.keys()].filter((cell) => passes[cell] === 1);
  const strength = (cell: number) => Math.abs(values[cell] as number);
  const ranked = passing
    .filter((cell) => (support[cell] as number) >= MIN_SUPPORT)
    .sort((a, b) => strength(b) - strength(a) || a - b);
  const scale = ranked.length > 0 ? ranked : passing;
  const of = ranked.map((cell) => values[cell] as number);
  return {
    values,
    which,
    support,
    passes,
    ranked,
    passing: passing.length,
    sparse: passing.length - ranked.length,
    most: scale.reduce((most, cell) => Math.max(most, strength(cell)), 0),
    range: of.length > 0 ? [Math.min(...of), Math.max(...of)] : null,
  };
}

/** How clearly a cell stands out, from 0 to 1: its share itself, or its attribution against `most`. */
export function heatOf(
  { values, passes }: FilterResult,
  kind: Kind,
  cell: number,
  most: number,
): number {
  if (passes[cell] !== 1) return 0;
  const value = Math.abs(values[cell] as number);
  return kind === 'top' ? value : Math.min(1, value / Math.max(most, Number.MIN_VALUE));
}
