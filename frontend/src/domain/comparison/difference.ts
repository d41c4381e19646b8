// SPDX-License-Identifier: Apache-2.0
/** Differences of the cells of a grid between steps A and B: samples, or attribution toward a class. */

import { formatWithSign } from '../../util/format';
import { PairCache } from '../../util/pair_cache';
import { type Atlas, cellAt, type Level } from '../../wire/atlas';
import { type Attribution, findAttribution, formatFractionWithSign } from '../../wire/attribution';
import { movesOf } from './atlas_pairs';
import { floorOf, SIGNIFICANT_SHARE } from './drift';

export interface Change {
  readonly row: number;
  readonly col: number;
  /** Samples more in B than in A, or logits. */
  readonly gain: number;
  /** Or 0, where that is not known. */
  readonly known: boolean;
  /** In which of the two a cell is drawn there. */
  readonly drawn: 'both' | 'a' | 'b';
  /** Whether most of those that came or went moved farther than the noise floor, or a mean did; null if not known. */
  readonly significant: boolean | null;
}

export interface Difference {
  readonly changes: readonly Change[];
  /** Largest gain and largest loss of a square. */
  readonly gained: number;
  readonly lost: number;
  readonly onlyA: number;
  readonly onlyB: number;
  /** Number of samples in another cell, or of cells with a significant change. */
  readonly moved: number;
  /** The class whose attribution it is; null where it is samples. */
  readonly toward: number | null;
}

const differences = new PairCache<Level, Level, Difference>();

/** Compares a level of A with the level of the same size of B; rows must be the same samples. */
export function findDifference(a: Atlas, levelA: Level, b: Atlas, levelB: Level): Difference {
  return differences.get(levelA, levelB, () => compare(a, levelA, b, levelB));
}

function compare(a: Atlas, levelA: Level, b: Atlas, levelB: Level): Difference {
  const { size } = levelB;
  const flow = followSamples(a, b, size);
  const changes: Change[] = [];
  for (let square = 0; square < size * size; square++) {
    const row = Math.floor(square / size);
    const col = square % size;
    const inA = cellAt(levelA, row, col) >= 0;
    const inB = cellAt(levelB, row, col) >= 0;
    if (!inA && !inB) continue;
    const passed = flow.passed[square] as number;
    changes.push({
      row,
      col,
      gain: flow.gain[square] as number,
      known: true,
      drawn: inA && inB ? 'both' : inA ? 'a' : 'b',
      significant:
        flow.beyond && passed > 0
          ? (flow.beyond[square] as number) >= SIGNIFICANT_SHARE * passed
          : null,
    });
  }
  return sumUp(changes, flow.moved, null);
}

function sumUp(changes: readonly Change[], moved: number, toward: number | null): Difference {
  return {
    changes,
    gained: changes.reduce((most, { gain }) => Math.max(most, gain), 0),
    lost: changes.reduce((most, { gain }) => Math.max(most, -gain), 0),
    onlyA: changes.filter(({ drawn }) => drawn === 'a').length,
    onlyB: changes.filter(({ drawn }) => drawn === 'b').length,
    moved,
    toward,
  };
}

/** Beyond so many standard errors a mean has moved. */
export const ERRORS = 2;

/** Attribution toward a class in the cells of B minus that in the same cells of A, or why it is unknown. */
export function findAttributionChange(
  a: Atlas,
  levelA: Level,
  b: Atlas,
  levelB: Level,
  toward: number,
): Difference | string {
  const [from, to] = [findAttribution(a, levelA), findAttribution(b, levelB)];
  if (typeof from === 'string') return from;
  if (typeof to === 'string') return to;
  const { size } = levelB;
  const changes = [...Array(size * size).keys()].flatMap((square): Change[] => {
    const [row, col] = [Math.floor(square / size), square % size];
    const [inA, inB] = [cellAt(levelA, row, col), cellAt(levelB, row, col)];
    if (inA < 0 && inB < 0) return [];
    // Unknown values and cells that are not visible in both are no change.
    const more = to.at(inB, toward) - from.at(inA, toward);
    const gain = more || 0;
    const known = !Number.isNaN(more);
    const error = Math.hypot(errorOf(from, levelA, inA, toward), errorOf(to, levelB, inB, toward));
    const significant = Number.isNaN(error) ? null : Math.abs(gain) > ERRORS * error;
    return [{ row, col, gain, known, drawn: inA < 0 ? 'b' : inB < 0 ? 'a' : 'both', significant }];
  });
  return sumUp(changes, changes.filter(({ significant }) => significant).length, toward);
}

/** Standard error of a cell's mean; NaN where it is not known. */
export function errorOf(
  { spread }: Attribution,
  { counts }: Level,
  cell: number,
  index: number,
): number {
  return (spread?.(cell, index) ?? Number.NaN) / Math.sqrt(counts[cell] ?? Number.NaN);
}

interface Flow {
  readonly gain: Int32Array;
  /** Samples that came to or went from every square. */
  readonly passed: Int32Array;
  /** Those of them that moved farther than the noise floor. */
  readonly beyond: Int32Array | null;
  readonly moved: number;
}

function followSamples(a: Atlas, b: Atlas, size: number): Flow {
  const gain = new Int32Array(size * size);
  const passed = new Int32Array(size * size);
  const floor = floorOf(a, b);
  const beyond = floor && new Int32Array(size * size);
  const moves = movesOf(a.xy, b.xy);
  let moved = 0;
  for (let sample = 0; sample < b.count; sample++) {
    const from = squareOf(a.xy, sample, size);
    const to = squareOf(b.xy, sample, size);
    if (from === to) continue;
    moved++;
    gain[from] = (gain[from] as number) - 1;
    gain[to] = (gain[to] as number) + 1;
    const isBeyond = floor !== null && (moves[sample] as number) > (floor[sample] as number);
    for (const square of [from, to]) {
      passed[square] = (passed[square] as number) + 1;
      if (beyond && isBeyond) beyond[square] = (beyond[square] as number) + 1;
    }
  }
  return { gain, passed, beyond, moved };
}

/** Squares are half open; the far edges of the map belong to the last ones. */
function squareOf(xy: Float32Array, sample: number, size: number): number {
  const at = (value: number) => Math.min(size - 1, Math.max(0, Math.floor(value * size)));
  return at(xy[2 * sample + 1] as number) * size + at(xy[2 * sample] as number);
}

/** The squares that changed most, largest first; ties in reading order. */
export function largestChanges({ changes }: Difference, most: number): readonly Change[] {
  return changes
    .filter(({ gain }) => gain !== 0)
    .sort((a, b) => Math.abs(b.gain) - Math.abs(a.gain))
    .slice(0, most);
}

/** A gain in words: samples, or logits with as many places as the largest of them needs. */
export function formatGain({ toward, gained, lost }: Difference, gain: number): string {
  return toward === null
    ? formatWithSign(gain)
    : formatFractionWithSign(gain, Math.max(gained, lost));
}
