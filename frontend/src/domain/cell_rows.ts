// SPDX-License-Identifier: Apache-2.0
/** The cells of a level as rows of a table or of a CSV file. */

import type { Atlas, Level } from '../wire/atlas';
import { type ClassAttribution, findAttribution } from '../wire/attribution';
import { type CellFacts, describeCell, type Share } from './cell_stats';
import { applyFilter, type Filter } from './class_filter';

export interface Row extends CellFacts {
  /** The most frequent class of its samples, or null where none was recorded. */
  readonly top: Share | null;
  /** The strongest attribution of the cell; null if none was recorded. */
  readonly attribution: ClassAttribution | null;
}

/** A column about the change of every cell since another step. */
export interface ChangeColumn {
  /** As files call it. */
  readonly key: 'moved' | 'turned' | 'fell' | 'gain';
  readonly name: string;
  /** The step that the shown one is compared with. */
  readonly since: number;
  /** By the index of a cell; NaN where it is not known. */
  readonly values: Float32Array;
  /** Why the values are unknown, or null. */
  readonly missing: string | null;
  /** Whether the change is significant, or null if unknown. */
  significant(cell: number): boolean | null;
  say(value: number): string;
}

const rowsOf = new WeakMap<Level, readonly Row[]>();

/** All drawn cells in reading order; worked out once for each level. */
export function rowsOfLevel(atlas: Atlas, level: Level): readonly Row[] {
  let rows = rowsOf.get(level);
  if (rows === undefined) {
    const attribution = findAttribution(atlas, level);
    rows = [...level.rows]
      .flatMap((row, cell) => describeCell(atlas, level, row, level.cols[cell] as number) ?? [])
      .map((facts) => ({
        ...facts,
        top: facts.mix[0] ?? null,
        attribution: typeof attribution === 'string' ? null : strongest(attribution, facts.cell),
      }))
      .sort((a, b) => a.row - b.row || a.col - b.col);
    rowsOf.set(level, rows);
  }
  return rows;
}

function strongest(
  { classes, at }: Exclude<ReturnType<typeof findAttribution>, string>,
  cell: number,
): ClassAttribution | null {
  let best: ClassAttribution | null = null;
  for (let index = 0; index < classes; index++) {
    const value = at(cell, index);
    if (Math.abs(value) > Math.abs(best?.value ?? 0)) best = { index, value };
  }
  return best;
}

/** The rows that pass a class filter, with their values; all rows if no filter is set. */
export function passing(
  atlas: Atlas,
  level: Level,
  filter: Filter,
): { readonly rows: readonly Row[]; readonly values: Float32Array | null } {
  const rows = rowsOfLevel(atlas, level);
  const found = filter.classes.length > 0 ? applyFilter(atlas, level, filter) : '';
  if (typeof found === 'string') return { rows, values: null };
  return { rows: rows.filter(({ cell }) => found.passes[cell] === 1), values: found.values };
}

/** Sort key of a row; null and undefined are unknown. */
export type Key = (row: Row) => number | string | null | undefined;

/** By what rows can always be put in order. */
export const ORDERS = {
  place: ({ row, col }: Row) => row + col / 1e6,
  count: (row: Row) => row.count,
  cosine: (row: Row) => row.cosine,
  kind: (row: Row) => row.kind,
  top: (row: Row) => row.top?.index,
  share: (row: Row) => row.top?.share,
  attribution: ({ attribution }: Row) => attribution && Math.abs(attribution.value),
} as const satisfies Record<string, Key>;

export type Order = keyof typeof ORDERS;

/** Rows by a key; what is not known comes last either way, and ties in reading order. */
export function sortRows(rows: readonly Row[], key: Key, descending: boolean): Row[] {
  return rows.toSorted((a, b) => {
    const [x, y] = [key(a) ?? null, key(b) ?? null];
    if (x === y) return 0;
    if (x === null || y === null) return x === null ? 1 : -1;
    return x < y === descending ? 1 : -1;
  });
}
