// SPDX-License-Identifier: Apache-2.0
/** Where the members of each cell were at another step, and whether chance would move them as far. */

import type { Atlas, Level } from './atlas';
import { membersOf } from './cells';
import { cellPlaces, movesOf } from './pair';
import { PairMemo } from './pair_memo';

/** A cell's move is news when at least this share of its members moved farther than chance would. */
export const NEWS_SHARE = 0.5;

export interface Drift {
  /** Mean place of every cell's members at the other step and now: x, y. */
  readonly from: Float32Array;
  readonly to: Float32Array;
  /** Share of every cell's members that moved farther than chance; null where no floor is known. */
  readonly beyond: Float32Array | null;
  /** Cells whose members mostly did. */
  readonly news: number;
  /** Mean move of all samples as a share of the map's side. */
  readonly meanMove: number;
  /** Share of all samples that moved farther than chance. */
  readonly beyondShare: number | null;
}

const drifts = new PairMemo<Level, Atlas, Drift>();

/** The drift of a level of `now` since `other`, whose rows must be the same samples. */
export function findDrift(other: Atlas, now: Atlas, level: Level): Drift {
  return drifts.get(level, other, () => measure(other, now, level));
}

/** The floor that the move between two steps is held against: that of the later one. */
export function floorOf(a: Atlas, b: Atlas): Float32Array | null {
  return (a.step > b.step ? a : b).noiseFloor;
}

function measure(other: Atlas, now: Atlas, level: Level): Drift {
  const moves = movesOf(other.xy, now.xy);
  const floor = floorOf(other, now);
  const isBeyond = floor && moves.map((move, row) => (move > (floor[row] as number) ? 1 : 0));
  const mean = (values: Float32Array) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const beyond =
    isBeyond &&
    Float32Array.from(level.rows, (_, cell) => {
      const members = membersOf(level, cell);
      return members.reduce((sum, row) => sum + (isBeyond[row] as number), 0) / members.length;
    });
  return {
    from: cellPlaces(level, other.xy),
    to: cellPlaces(level, now.xy),
    beyond,
    news: beyond?.reduce((sum, share) => sum + (share >= NEWS_SHARE ? 1 : 0), 0) ?? 0,
    meanMove: mean(moves),
    beyondShare: isBeyond && mean(isBeyond),
  };
}
