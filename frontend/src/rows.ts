// SPDX-License-Identifier: Apache-2.0
/** The cells of a level as rows: what a table shows and a file takes away. */

import type { Atlas, Level } from './atlas';
import { findAttribution, type Voice } from './attribution';
import { type CellFacts, describeCell, type Share } from './cells';
import { answer, type Filter } from './filter';

export interface Row extends CellFacts {
  /** The most frequent class of its samples, or null where none was recorded. */
  readonly top: Share | null;
  /** The class that it speaks for or against most; null where that was not recorded. */
  readonly voice: Voice | null;
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
        voice: typeof attribution === 'string' ? null : strongest(attribution, facts.cell),
      }))
      .sort((a, b) => a.row - b.row || a.col - b.col);
    rowsOf.set(level, rows);
  }
  return rows;
}

function strongest(
  { classes, at }: Exclude<ReturnType<typeof findAttribution>, string>,
  cell: number,
): Voice | null {
  let best: Voice | null = null;
  for (let index = 0; index < classes; index++) {
    const value = at(cell, index);
    if (Math.abs(value) > Math.abs(best?.value ?? 0)) best = { index, value };
  }
  return best;
}

/** The rows that pass a class filter with what they answer; all of them where none is set. */
export function passing(
  atlas: Atlas,
  level: Level,
  filter: Filter,
): { readonly rows: readonly Row[]; readonly values: Float32Array | null } {
  const rows = rowsOfLevel(atlas, level);
  const found = filter.classes.length > 0 ? answer(atlas, level, filter) : '';
  if (typeof found === 'string') return { rows, values: null };
  return { rows: rows.filter(({ cell }) => found.passes[cell] === 1), values: found.values };
}

/** By what rows can be put in order. */
export const ORDERS = {
  place: ({ row, col }: Row) => row + col / 1e6,
  count: (row: Row) => row.count,
  cosine: (row: Row) => row.cosine,
  kind: (row: Row) => row.kind,
  top: (row: Row) => row.top?.index,
  share: (row: Row) => row.top?.share,
  voice: ({ voice }: Row) => voice && Math.abs(voice.value),
} as const;

export type Order = keyof typeof ORDERS;

/** Rows by one of the orders; what is not known comes last either way, and ties in reading order. */
export function sortRows(rows: readonly Row[], order: Order, descending: boolean): Row[] {
  const value = ORDERS[order];
  return rows.toSorted((a, b) => {
    const [x, y] = [value(a) ?? null, value(b) ?? null];
    if (x === y) return 0;
    if (x === null || y === null) return x === null ? 1 : -1;
    return x < y === descending ? 1 : -1;
  });
}
