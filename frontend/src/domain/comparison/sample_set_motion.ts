// SPDX-License-Identifier: Apache-2.0
/** Finds a set of samples at another step: whether it stays together, and whether it moved significantly. */

import type { Atlas } from '../../wire/atlas';
import { explainUnpairing, movesOf } from './atlas_pairs';
import { floorOf } from './drift';

/** Share of the samples that the reach around their middle holds where they were chosen. */
const HELD = 0.9;
/** The reach is never less than this share of the map width. */
const LEAST_REACH = 0.02;

export interface Cohesion {
  /** Share of them within the radius that held most of them at the step of the selection. */
  readonly together: number;
  /** Mean move since then, as a share of the map width. */
  readonly moved: number;
  /** Share that moved farther than the noise floor would; null where no floor is known, or it is that step. */
  readonly beyond: number | null;
}

/** Cohesion of the samples `rows` at `now`, selected at `then`; or why it is unknown. */
export function measureCohesion(then: Atlas, now: Atlas, rows: Int32Array): Cohesion | string {
  const reason = explainUnpairing(then, now);
  if (reason !== null) return then.key === now.key ? UNMOVED : reason;
  const reach = Math.max(LEAST_REACH, quantile(distances(then, rows), HELD));
  const near = distances(now, rows).reduce((sum, away) => sum + (away <= reach ? 1 : 0), 0);
  const floor = then.step === now.step ? null : floorOf(then, now);
  const all = movesOf(then.xy, now.xy);
  const moves = Array.from(rows, (row) => all[row] as number);
  const beyond = floor && moves.filter((move, i) => move > (floor[rows[i] as number] as number));
  return {
    together: near / rows.length,
    moved: moves.reduce((sum, move) => sum + move, 0) / rows.length,
    beyond: beyond && beyond.length / rows.length,
  };
}

/** At the one step of samples that no other step has. */
const UNMOVED: Cohesion = { together: 1, moved: 0, beyond: null };

/** Of each sample from the median place of all. */
function distances({ xy }: Atlas, rows: Int32Array): Float32Array {
  const middle = (axis: 0 | 1) =>
    quantile(
      Float32Array.from(rows, (row) => xy[2 * row + axis] as number),
      0.5,
    );
  const [x, y] = [middle(0), middle(1)];
  return Float32Array.from(rows, (row) =>
    Math.hypot((xy[2 * row] as number) - x, (xy[2 * row + 1] as number) - y),
  );
}

function quantile(values: Float32Array, share: number): number {
  return values.toSorted()[Math.ceil(share * values.length) - 1] ?? 0;
}
