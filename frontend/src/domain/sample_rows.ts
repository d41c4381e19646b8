// SPDX-License-Identifier: Apache-2.0
/** Rows of samples: those with given values, and how many of them each cell holds. */

import { classesAt, type Level } from '../wire/atlas';

/** Rows of the samples whose value is one of `ids`, ascending. */
export function rowsOf(values: Int32Array | null, ids: readonly number[]): Int32Array {
  const rows: number[] = [];
  values?.forEach((_, row) => {
    if (classesAt(values, row).some((id) => ids.includes(id))) rows.push(row);
  });
  return Int32Array.from(rows);
}

/** How many of `rows` every cell holds. */
export function countIn(level: Level, rows: Int32Array): Int32Array {
  const counts = new Int32Array(level.rows.length);
  for (const row of rows) {
    const cell = level.cellOf[row] as number;
    if (cell >= 0) counts[cell] = (counts[cell] as number) + 1;
  }
  return counts;
}
