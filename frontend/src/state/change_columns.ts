// SPDX-License-Identifier: Apache-2.0
/** Columns of changes between two steps, for the table and for files: drift, and B minus A. */

import type { ChangeColumn } from '../domain/cell_rows';
import { formatGain } from '../domain/comparison/difference';
import { isSignificant } from '../domain/comparison/drift';
import type { NearestSamples } from '../domain/nearest_samples';
import { plural } from '../util/format';
import { type Atlas, cellAt, type Level } from '../wire/atlas';
import { differenceOf, differenceSentence } from './difference_values';
import { driftOf, driftText, formatSignificantCells } from './drift_values';
import { wantedStep } from './reference_step';
import type { State } from './store';

/** Columns that `state` requests, and sentences that summarize them or explain why there are none. */
export interface Changed {
  readonly columns: readonly ChangeColumn[];
  readonly sentences: readonly string[];
}

export function changesOf(
  state: State,
  atlas: Atlas,
  level: Level,
  nearest: NearestSamples,
): Changed {
  const since = wantedStep(state) ?? Number.NaN;
  const found = [
    state.drift ? driftColumn(state, atlas, level, nearest, since) : null,
    state.compare === null ? null : gainColumn(state, atlas, level, since),
  ].filter((one) => one !== null);
  return {
    columns: found.map(({ column }) => column),
    sentences: found.map(({ sentence }) => sentence),
  };
}

interface Found {
  readonly column: ChangeColumn;
  readonly sentence: string;
}

const GAIN = 'Samples, B minus A';
const FLIPPED = 'A is shown: changes refer to B.';

/** An empty column, which keeps the order of the rows while its values load. */
function unknown(
  { key, name }: Pick<ChangeColumn, 'key' | 'name'>,
  level: Level,
  since: number,
  missing: string,
): Found {
  const values = new Float32Array(level.rows.length).fill(Number.NaN);
  const column = { key, name, since, values, missing, significant: () => null, say: () => '' };
  return { column, sentence: missing };
}

function driftColumn(
  state: State,
  atlas: Atlas,
  level: Level,
  nearest: NearestSamples,
  since: number,
): Found {
  const { key, did: name, say } = driftText(state);
  const drift = state.flipped ? FLIPPED : driftOf(state, atlas, level, nearest);
  if (typeof drift === 'string') return unknown({ key, name }, level, since, drift);
  const { values, most, beyond } = drift;
  const column: ChangeColumn = {
    key,
    name,
    since,
    values,
    missing: null,
    significant: (cell) =>
      Number.isNaN(beyond?.[cell] ?? Number.NaN) ? null : isSignificant(drift, cell),
    say: (value) => say(value, most),
  };
  return { column, sentence: `${formatSignificantCells(state, drift)}.` };
}

function gainColumn(state: State, atlas: Atlas, level: Level, since: number): Found {
  const found = state.flipped ? FLIPPED : differenceOf(state, atlas, level);
  if (typeof found === 'string') {
    return unknown({ key: 'gain', name: GAIN }, level, since, found);
  }
  const values = new Float32Array(level.rows.length).fill(Number.NaN);
  const significant = new Map<number, boolean | null>();
  for (const change of found.changes) {
    const cell = cellAt(level, change.row, change.col);
    if (cell < 0 || !change.known) continue;
    values[cell] = change.gain;
    significant.set(cell, change.significant);
  }
  const column: ChangeColumn = {
    key: 'gain',
    name: found.toward === null ? GAIN : 'Logits, B minus A',
    since,
    values,
    missing: null,
    significant: (cell) => significant.get(cell) ?? null,
    say: (value) => formatGain(found, value),
  };
  const gone = found.onlyA > 0 ? `; ${plural(found.onlyA, 'cell')} only in A` : '';
  return { column, sentence: `${differenceSentence(state, found)}${gone}.` };
}
