// SPDX-License-Identifier: Apache-2.0
/** What became of the steps of one series, and what happened in them: the answer of `history`. */

import { getJson } from './api';
import { asNumber, Fields, WireError } from './json_reader';
import { MAX_GRID, MAX_STEPS } from './manifest';

const MAX_EVENTS = 1000;
const MAX_IDS = 1000;

export interface HistoryStep {
  readonly step: number;
  readonly status: 'ok' | 'damaged' | 'too_new';
  readonly reason: string | null;
  /** Its running number among the logged ones, from 1; null where damage hides it. */
  readonly sequence: number | null;
  readonly trustworthiness: number | null;
  /** Its icons are still being drawn. */
  readonly draft: boolean;
}

/** A checkpoint that was asked for and not computed. */
export interface SkippedStep {
  readonly step: number;
  readonly reason: string;
}

const EVENT_KINDS = ['born', 'merges', 'splits', 'dies'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** A cell of one grid, as the log names it. */
interface EventCell {
  readonly size: number;
  readonly row: number;
  readonly col: number;
}

/** Something that happened to lifelines between two atlases. */
export interface RunEvent {
  readonly step: number;
  readonly kind: EventKind;
  readonly text: string;
  readonly score: number;
  readonly confidence: number;
  readonly beforeStep: number;
  /** Ids of the lifelines that it began with, at `beforeStep`, and ended with, at `step`. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Where to look: at `step`, or at `beforeStep` if nothing is left. */
  readonly cell: EventCell | null;
}

export interface History {
  readonly logged: number;
  readonly kept: number;
  readonly skipped: readonly SkippedStep[];
  readonly steps: ReadonlyMap<number, HistoryStep>;
  /** The most telling first; null where no step has traced its lifelines. */
  readonly events: readonly RunEvent[] | null;
  /** How many there are; the log may hold more than are listed. */
  readonly eventsFound: number;
}

export function fetchHistory(id: string): Promise<History> {
  return getJson('history', { id }, readHistory);
}

export function readHistory(json: unknown): History {
  const history = new Fields(json, 'history');
  const steps = history.list('steps', MAX_STEPS, (item, where): HistoryStep => {
    const step = new Fields(item, where);
    const status = step.text('status');
    if (status !== 'ok' && status !== 'damaged' && status !== 'too_new') {
      throw new WireError(`${where}.status is ${status}`);
    }
    const reason = step.raw('reason');
    return {
      // Larger ones than JavaScript can count are rounded here as they are in the index.
      step: step.number('step'),
      status,
      reason: typeof reason === 'string' ? reason : null,
      sequence: step.wholeOrNull('sequence', 0, Number.MAX_SAFE_INTEGER),
      trustworthiness: step.numberOrNull('trustworthiness'),
      draft: step.raw('edition') === 'draft',
    };
  });
  const skipped = history.listOrNull('skipped', MAX_STEPS, (item, where): SkippedStep => {
    const one = new Fields(item, where);
    return { step: one.number('step'), reason: one.text('reason') };
  });
  return {
    skipped: skipped ?? [],
    logged: history.whole('logged', 0, Number.MAX_SAFE_INTEGER),
    kept: history.whole('kept', 0, Number.MAX_SAFE_INTEGER),
    steps: new Map(steps.map((step) => [step.step, step])),
    events: history.listOrNull('events', MAX_EVENTS, readEvent),
    eventsFound: history.wholeOrNull('events_found', 0, Number.MAX_SAFE_INTEGER) ?? 0,
  };
}

/** Whether two are the same event, though perhaps of two answers of the server. */
export function sameEvent(a: RunEvent, b: RunEvent | null | undefined): boolean {
  return a === b || (a.step === b?.step && a.kind === b.kind && a.text === b.text);
}

function readEvent(item: unknown, where: string): RunEvent {
  const event = new Fields(item, where);
  const kind = EVENT_KINDS.find((known) => known === event.text('kind'));
  if (kind === undefined) throw new WireError(`${where}.kind is unknown`);
  return {
    step: event.number('step'),
    kind,
    text: event.text('text'),
    score: event.number('score'),
    confidence: event.number('confidence'),
    beforeStep: event.number('before_step'),
    before: event.list('before', MAX_IDS, asNumber),
    after: event.list('after', MAX_IDS, asNumber),
    cell: event.raw('cell') == null ? null : readCell(event.object('cell')),
  };
}

function readCell(cell: Fields): EventCell {
  const size = cell.whole('grid', 1, MAX_GRID);
  return { size, row: cell.whole('row', 0, size - 1), col: cell.whole('col', 0, size - 1) };
}
