// SPDX-License-Identifier: Apache-2.0
/** Histories of runs with concepts, in short form. */

import type { History, HistoryStep, RunEvent } from '../../src/wire/series_history';

/** Sizes of concepts at a step, by id; null where they were not tracked. */
export type Sizes = Readonly<Record<number, number>> | null;

interface Options {
  /** Samples of every step; otherwise as many as are in concepts. */
  readonly samples?: number;
  /** Group of each concept, by id. */
  readonly groups?: Readonly<Record<number, number>>;
  readonly events?: readonly RunEvent[];
}

export function conceptHistory(
  steps: Readonly<Record<number, Sizes>>,
  { samples, groups, events = [] }: Options = {},
): History {
  const ids = new Set(
    Object.values(steps).flatMap((sizes) => Object.keys(sizes ?? {}).map(Number)),
  );
  const entries = Object.entries(steps).map(([step, sizes]): [number, HistoryStep] => [
    Number(step),
    historyStep(Number(step), sizes, samples),
  ]);
  return {
    logged: entries.length,
    kept: entries.length,
    skipped: [],
    steps: new Map(entries),
    events,
    eventsFound: events.length,
    concepts: [...ids].map((id) => ({ id, name: `name ${id}`, group: groups?.[id] ?? null })),
    groups: groups
      ? [...new Set(Object.values(groups))].map((id) => ({ id, name: `all of ${id}` }))
      : null,
  };
}

function historyStep(step: number, sizes: Sizes, samples?: number): HistoryStep {
  const ids = Object.keys(sizes ?? {}).map(Number);
  const own = ids.map((id) => sizes?.[id] ?? 0);
  return {
    step,
    ...{ status: 'ok', reason: null, sequence: 1, trustworthiness: null, preliminary: false },
    samples: samples ?? own.reduce((a, b) => a + b, 0),
    concepts: sizes && { ids, sizes: own, byEvents: 0.25, byChurn: 0.031 },
  };
}

export function conceptEvent(
  kind: RunEvent['kind'],
  step: number,
  before: readonly number[],
  after: readonly number[],
): RunEvent {
  return {
    ...{ kind, step, before, after, text: `${kind} at ${step}`, score: 1, confidence: 0.5 },
    ...{ beforeStep: step - 10, cell: null, samples: 5, classes: null },
  };
}
