// SPDX-License-Identifier: Apache-2.0
/** Exports the cells of a level as a CSV file. */

import { type ChangeColumn, rowsOfLevel } from '../../domain/cell_rows';
import { type CsvValue, csvText } from '../../util/csv';
import { type Atlas, className, type Level } from '../../wire/atlas';

/** Rows and columns count from 0, as they do in Python. */
const COLUMNS = [
  ...['run', 'layer', 'step', 'grid_size', 'row', 'col', 'count', 'share', 'icon_kind'],
  ...['icon_cosine', 'top_of', 'top_class', 'top_class_index', 'top_share'],
  ...['strongest_class', 'strongest_class_index', 'strongest_attribution'],
];

/** All visible cells of a level, with provenance and the columns of changes, in reading order. */
export function cellsAsCsv(
  run: string,
  atlas: Atlas,
  level: Level,
  changes: readonly ChangeColumn[] = [],
): string {
  const heads = changes.flatMap(({ key }) => [key, `${key}_since_step`, `${key}_is_significant`]);
  const nameOf = (index: number | undefined) =>
    index === undefined ? null : className(atlas, index);
  const lines = rowsOfLevel(atlas, level).map(
    ({ cell, row, col, count, share, kind, cosine, mixOf, top, attribution }): CsvValue[] => [
      ...[run, atlas.manifest.layer, atlas.step, level.size, row, col, count, share, kind],
      ...[cosine, mixOf, nameOf(top?.index), top?.index ?? null, top?.share ?? null],
      ...[nameOf(attribution?.index), attribution?.index ?? null, attribution?.value ?? null],
      ...changes.flatMap(({ values, since, significant }) => [
        values[cell] as number,
        since,
        flag(significant(cell)),
      ]),
    ],
  );
  return csvText([[...COLUMNS, ...heads], ...lines]);
}

/** 1 and 0, as spreadsheets and scripts count them. */
function flag(known: boolean | null): number | null {
  return known === null ? null : Number(known);
}
