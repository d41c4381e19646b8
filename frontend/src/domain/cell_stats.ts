// SPDX-License-Identifier: Apache-2.0
/** Statistics of the samples of a cell: members, class counts, purity, nearest samples. */

import { plural, shorten } from '../util/format';
import {
  type Atlas,
  cellAt,
  classesAt,
  className,
  type IconKind,
  kindOf,
  type Level,
  levelOf,
} from '../wire/atlas';
import type { Point } from './camera';
import type { CellPlace } from './display_types';

/** Longest class name in a sentence. */
const SAID_NAME = 60;
/** Below this cosine an icon represents its cell poorly. */
export const WEAK_COSINE = 0.3;

export interface Share {
  readonly index: number;
  readonly count: number;
  readonly share: number;
}

/** Everything that cards say about one cell. */
export interface CellFacts {
  readonly cell: number;
  readonly row: number;
  readonly col: number;
  readonly size: number;
  readonly count: number;
  /** Share of all samples of the map. */
  readonly share: number;
  readonly kind: IconKind;
  /** Null without an icon. */
  readonly cosine: number | null;
  readonly mixOf: 'labels' | 'predictions' | null;
  readonly mix: readonly Share[];
}

interface Grouped {
  readonly order: Int32Array;
  readonly starts: Int32Array;
}

const groupedByLevel = new WeakMap<Level, Grouped>();

/** Row and column of a cell, by its index on the level. */
export function placeOf({ size, rows, cols }: Level, cell: number): CellPlace {
  return { size, row: rows[cell] as number, col: cols[cell] as number };
}

/** The middle of a cell in map units. */
export function centerOf({ size, row, col }: CellPlace): Point {
  return { x: (col + 0.5) / size, y: (row + 0.5) / size };
}

/** Indices of the samples in `cell`, ascending. */
export function membersOf(level: Level, cell: number): Int32Array {
  let grouped = groupedByLevel.get(level);
  if (grouped === undefined) {
    grouped = group(level.cellOf, level.rows.length);
    groupedByLevel.set(level, grouped);
  }
  return grouped.order.subarray(grouped.starts[cell], grouped.starts[cell + 1]);
}

function group(cellOf: Int32Array, cells: number): Grouped {
  const starts = new Int32Array(cells + 1);
  for (const cell of cellOf) if (cell >= 0) starts[cell + 1] = (starts[cell + 1] as number) + 1;
  for (let cell = 0; cell < cells; cell++) {
    starts[cell + 1] = (starts[cell + 1] as number) + (starts[cell] as number);
  }
  const next = starts.slice();
  const order = new Int32Array(starts[cells] as number);
  cellOf.forEach((cell, sample) => {
    if (cell < 0) return;
    order[next[cell] as number] = sample;
    next[cell] = (next[cell] as number) + 1;
  });
  return { order, starts };
}

/** Classes among `members`, most frequent first; ties go to the lower class number. */
export function classMix(values: Int32Array, members: Int32Array): Share[] {
  const counts = new Map<number, number>();
  for (const sample of members) {
    for (const value of classesAt(values, sample)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a, m], [b, n]) => n - m || a - b)
    .map(([index, count]) => ({ index, count, share: count / members.length }));
}

/** The labeled samples of a cell, and those of them whose prediction is none of their labels. */
export function judge(
  labels: Int32Array,
  predictions: Int32Array,
  level: Level,
  cell: number,
): { readonly known: Int32Array; readonly wrong: Int32Array } {
  const known = membersOf(level, cell).filter((sample) => (labels[sample] as number) >= 0);
  const wrong = known.filter(
    (sample) => !classesAt(labels, sample).includes(predictions[sample] as number),
  );
  return { known, wrong };
}

export interface Majority {
  /** Most frequent class of every cell. */
  readonly index: Int32Array;
  /** Its share of the cell's members. */
  readonly share: Float32Array;
}

const majorityOf = new WeakMap<Level, Map<Int32Array, Majority>>();

/** The most frequent class of every cell of a level; worked out once for each level and values. */
export function majority(level: Level, values: Int32Array): Majority {
  const known = majorityOf.get(level) ?? new Map<Int32Array, Majority>();
  majorityOf.set(level, known);
  let found = known.get(values);
  if (found === undefined) {
    found = findMajority(level, values);
    known.set(values, found);
  }
  return found;
}

function findMajority(level: Level, values: Int32Array): Majority {
  const cells = level.rows.length;
  const index = new Int32Array(cells).fill(-1);
  const share = new Float32Array(cells);
  for (let cell = 0; cell < cells; cell++) {
    const first = classMix(values, membersOf(level, cell))[0];
    if (first === undefined) continue;
    index[cell] = first.index;
    share[cell] = first.share;
  }
  return { index, share };
}

/** Facts about the cell at a row and column, or null if it is not visible. */
export function describeCell(
  atlas: Atlas,
  level: Level,
  row: number,
  col: number,
): CellFacts | null {
  const cell = cellAt(level, row, col);
  if (cell < 0) return null;
  const values = atlas.labels ?? atlas.predictions;
  const count = level.counts[cell] as number;
  const cosine = level.cosine[cell] as number;
  return {
    cell,
    row,
    col,
    size: level.size,
    count,
    share: count / (atlas.manifest.fields.logged_samples ?? atlas.count),
    kind: kindOf(level, cell),
    cosine: Number.isNaN(cosine) ? null : cosine,
    mixOf: atlas.labels ? 'labels' : atlas.predictions ? 'predictions' : null,
    mix: values ? classMix(values, membersOf(level, cell)) : [],
  };
}

/** The drawn cell at a place in a few words, or null. */
export function formatCell(atlas: Atlas | null, place: CellPlace | null): string | null {
  const level = levelOf(atlas, place?.size);
  const facts = atlas && level && place && describeCell(atlas, level, place.row, place.col);
  if (!facts) return null;
  const top = facts.mix[0];
  const name = top ? shorten(className(atlas, top.index), SAID_NAME) : '';
  const mix = top ? `, ${name} ${Math.round(100 * top.share)} percent` : '';
  return `row ${facts.row + 1}, column ${facts.col + 1}${mix}, ${plural(facts.count, 'sample')}`;
}

export interface IconTally {
  /** Icons of each kind, most frequent first; cells without an icon are left out. */
  readonly kinds: readonly (readonly [IconKind, number])[];
  readonly weak: number;
}

/** Kinds of the icons of a level, which are mixed if rendering was interrupted. */
export function tallyIcons(level: Level): IconTally {
  const counts = new Map<IconKind, number>();
  let weak = 0;
  for (let cell = 0; cell < level.kind.length; cell++) {
    const kind = kindOf(level, cell);
    if (kind === 'none') continue;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    if ((level.cosine[cell] as number) < WEAK_COSINE) weak++;
  }
  return { kinds: [...counts].sort(([, m], [, n]) => n - m), weak };
}

/** The `limit` members closest on the map to the middle of all members, nearest first. */
export function nearestOnMap(xy: Float32Array, members: Int32Array, limit: number): number[] {
  let x = 0;
  let y = 0;
  for (const sample of members) {
    x += (xy[2 * sample] as number) / members.length;
    y += (xy[2 * sample + 1] as number) / members.length;
  }
  return smallest(members, limit, (sample) =>
    Math.hypot((xy[2 * sample] as number) - x, (xy[2 * sample + 1] as number) - y),
  );
}

/** The `limit` members with the smallest `score`; NaN comes last, ties keep their order. */
export function smallest(
  members: Int32Array,
  limit: number,
  score: (sample: number) => number,
): number[] {
  return Array.from(members, (sample) => ({ sample, value: score(sample) }))
    .map((entry) => (Number.isNaN(entry.value) ? { ...entry, value: Infinity } : entry))
    .sort((a, b) => (a.value === b.value ? a.sample - b.sample : a.value - b.value))
    .slice(0, limit)
    .map((entry) => entry.sample);
}

/** The first or the last drawn cell of a row. */
export function rowEnd({ rows, cols }: Level, row: number, side: -1 | 1): number | null {
  const found = [...cols].filter((_, cell) => rows[cell] === row);
  return found.length === 0 ? null : side * Math.max(...found.map((col) => side * col));
}

/**
 * The next visible cell from a row and column in a direction: on the line, or else the visible cell
 * closest to it. Null if there is none on that side.
 */
export function nextCell(
  level: Level,
  row: number,
  col: number,
  dx: number,
  dy: number,
): { row: number; col: number } | null {
  let best: { row: number; col: number } | null = null;
  let bestCost = Infinity;
  for (let cell = 0; cell < level.rows.length; cell++) {
    const down = (level.rows[cell] as number) - row;
    const right = (level.cols[cell] as number) - col;
    const along = dx * right + dy * down;
    const across = Math.abs(dx * down) + Math.abs(dy * right);
    const cost = along + 3 * across;
    if (along > 0 && cost < bestCost) {
      bestCost = cost;
      best = { row: level.rows[cell] as number, col: level.cols[cell] as number };
    }
  }
  return best;
}
