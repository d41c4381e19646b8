// SPDX-License-Identifier: Apache-2.0
/** Displacement and drift of the samples of each cell since another step, and their significance. */

import { PairCache } from '../../util/pair_cache';
import type { Atlas, Level } from '../../wire/atlas';
import { formatFractionWithSign } from '../../wire/attribution';
import { membersOf } from '../cell_stats';
import { cellPlaces, movesOf } from './atlas_pairs';

/** The change of a cell is significant if at least this share of its members changed more than their floor. */
export const SIGNIFICANT_SHARE = 0.5;

export interface DriftValues {
  /** Of every cell; NaN where nothing is known of its members. */
  readonly values: Float32Array;
  /** The largest of them. */
  readonly most: number;
  /** Share of every cell's members that changed more than chance; null where no floor is known. */
  readonly beyond: Float32Array | null;
  /** Cells whose members mostly did. */
  readonly significant: number;
  /** Mean over all samples of which anything is known. */
  readonly mean: number;
  /** Share of them that changed more than chance. */
  readonly beyondShare: number | null;
  /** An additional note. */
  readonly note?: string;
}

export interface Drift extends DriftValues {
  /** Mean place of every cell's members at the other step and now: x, y. */
  readonly from: Float32Array;
  readonly to: Float32Array;
}

const drifts = new PairCache<Level, Atlas, Drift>();

/** The drift of a level of `now` since `other`, whose rows must be the same samples: in shares of the map width. */
export function findDrift(other: Atlas, now: Atlas, level: Level): Drift {
  return drifts.get(level, other, () => measure(other, now, level));
}

/** The noise floor of the displacement between two steps: that of the later one, or that of `b` for two runs. */
export function floorOf(a: Atlas, b: Atlas): Float32Array | null {
  if (a.series !== b.series) return b.noiseFloor ?? a.noiseFloor;
  return (a.step > b.step ? a : b).noiseFloor;
}

function measure(other: Atlas, now: Atlas, level: Level): Drift {
  const [from, to] = [cellPlaces(level, other.xy), cellPlaces(level, now.xy)];
  const found = summarize(level, movesOf(other.xy, now.xy), floorOf(other, now));
  return { ...found, values: movesOf(from, to), from, to };
}

/** Summarizes the changes of all samples, NaN if unknown, by cell; each sample has its own floor. */
export function summarize(
  level: Level,
  changes: Float32Array,
  floor: Float32Array | null,
): DriftValues {
  const isBeyond = floor && changes.map((change, row) => (change > (floor[row] as number) ? 1 : 0));
  const mean = (of: Float32Array, rows: Iterable<number>) => {
    let [sum, count] = [0, 0];
    for (const row of rows) {
      if (Number.isNaN(changes[row])) continue;
      sum += of[row] as number;
      count++;
    }
    return sum / count;
  };
  const perCell = (of: Float32Array) =>
    Float32Array.from(level.rows, (_, cell) => mean(of, membersOf(level, cell)));
  const values = perCell(changes);
  const beyond = isBeyond && perCell(isBeyond);
  return {
    values,
    most: values.reduce((most, value) => Math.max(most, value || 0), 0),
    beyond,
    significant: beyond?.reduce((sum, share) => sum + (share >= SIGNIFICANT_SHARE ? 1 : 0), 0) ?? 0,
    mean: mean(changes, changes.keys()),
    beyondShare: isBeyond && mean(isBeyond, changes.keys()),
  };
}

/** Formats with the digits that the largest value needs. */
export function formatChange(value: number, most: number): string {
  return formatFractionWithSign(value, most).replace('+', '');
}

export function isSignificant({ beyond }: DriftValues, cell: number): boolean {
  return beyond !== null && (beyond[cell] as number) >= SIGNIFICANT_SHARE;
}
