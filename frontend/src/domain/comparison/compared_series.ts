// SPDX-License-Identifier: Apache-2.0
/** Run and layer of A of a comparison, which may differ from those of B. */

import { decodeName, encodeName } from '../../util/url_names';
import type { RunEntry, SeriesEntry } from '../../wire/manifest';

export interface Side {
  readonly run: RunEntry;
  readonly series: SeriesEntry;
}

/** What determines A: B is of `run` and `series`. */
export interface Compared {
  readonly compare: number | null;
  /** Layer and run of A, as text of the URL; empty if both are those of B. */
  readonly compareIn: string;
  readonly runs: readonly RunEntry[];
  readonly run: RunEntry | null;
  readonly series: SeriesEntry | null;
}

/** The series of A; null if the log does not have it. */
export function findSeriesA(compared: Compared): SeriesEntry | null {
  const { compare, compareIn, series } = compared;
  return compare === null || compareIn === '' ? series : (findSideA(compared)?.series ?? null);
}

/** Run and layer of A, or those of B without a comparison; null if the log does not have them. */
export function findSideA({ compare, compareIn, runs, run, series }: Compared): Side | null {
  if (compare === null || compareIn === '') return run && series && { run, series };
  const [layer = '', name = ''] = compareIn.split(',').map(decodeName);
  const own = runs.find((one) => one.run === name || one.id === name);
  const found = own?.series.find((one) => one.layer === layer || one.id === layer);
  return own && found ? { run: own, series: found } : null;
}

/** What `compareIn` becomes when B changes to another layer: A follows if it is of the same one. */
export function followLayer(before: Compared, layer: string | undefined): string {
  const side = findSideA(before);
  if (side === null || side.series.layer !== before.series?.layer) return before.compareIn;
  const series = side.run.series.find((one) => one.layer === layer);
  return series ? writeSide({ ...side, series }) : before.compareIn;
}

/** The text that names a run and a layer. */
export function writeSide({ run, series }: Side): string {
  return `${encodeName(series.layer, series.id)},${encodeName(run.run, run.id)}`;
}

/** Whether A is of another run or layer than B. */
export function isOtherSeries(compared: Compared): boolean {
  return findSeriesA(compared)?.id !== compared.series?.id;
}
