// SPDX-License-Identifier: Apache-2.0
/** Status and events of the steps of one series: the response of `history`. */

import { getJson } from './api';
import type {
  HistoryConcept,
  HistoryEvent,
  HistoryGroup,
  HistoryStep as WireStep,
} from './generated/types';
import { checkHistoryResponse } from './generated/validators';
import { WireError } from './json_checks';

export interface HistoryStep {
  readonly step: number;
  readonly status: 'ok' | 'damaged' | 'too_new';
  readonly reason: string | null;
  /** Its running number among the logged ones, from 1; null where damage hides it. */
  readonly sequence: number | null;
  readonly trustworthiness: number | null;
  /** Its icons are still being drawn. */
  readonly preliminary: boolean;
  readonly samples: number | null;
  /** Null where concepts were not tracked. */
  readonly concepts: StepConcepts | null;
}

/** The concepts of a step. */
interface StepConcepts {
  /** Ids of the largest concepts, largest first. */
  readonly ids: readonly number[];
  /** Samples of each. */
  readonly sizes: readonly number[];
  /** Shares of all samples that changed their concept since the previous atlas, by events and otherwise. */
  readonly byEvents: number | null;
  readonly byChurn: number | null;
}

/** A requested step that has no atlas. */
export interface SkippedStep {
  readonly step: number;
  readonly reason: string;
}

export type EventKind = HistoryEvent['kind'];

/** A cell of one grid, as the log names it. */
interface EventCell {
  readonly size: number;
  readonly row: number;
  readonly col: number;
}

/** A change of concepts, or of the predictions or confidence on a class, between two atlases. */
export interface RunEvent {
  readonly step: number;
  readonly kind: EventKind;
  readonly text: string;
  readonly score: number;
  readonly confidence: number;
  readonly beforeStep: number;
  /** Ids of the concepts that it began with, at `beforeStep`, and ended with, at `step`. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Where to look: at `step`, or at `beforeStep` if nothing is left. */
  readonly cell: EventCell | null;
  /** How many changed their concept, prediction or confidence by it. */
  readonly samples: number | null;
  /**
   * Label, prediction before, and prediction now of its samples; only the label for a change of
   * confidence; null for a change of concepts.
   */
  readonly classes: HistoryEvent['classes'];
}

export interface History {
  readonly logged: number;
  readonly kept: number;
  readonly skipped: readonly SkippedStep[];
  readonly steps: ReadonlyMap<number, HistoryStep>;
  /** The most significant first; null if no step has tracked concepts. */
  readonly events: readonly RunEvent[] | null;
  /** How many there are; the log may hold more than are listed. */
  readonly eventsFound: number;
  /** Name and group of each concept; the steps may have more. Null if no step has tracked concepts. */
  readonly concepts: readonly HistoryConcept[] | null;
  readonly groups: readonly HistoryGroup[] | null;
}

export function fetchHistory(id: string): Promise<History> {
  return getJson('history', { id }, readHistory);
}

export function readHistory(json: unknown): History {
  checkHistoryResponse(json, 'history');
  const steps = json.steps.map(readStep);
  return {
    skipped: json.skipped,
    logged: json.logged,
    kept: json.kept,
    steps: new Map(steps.map((step) => [step.step, step])),
    events: json.events?.map(readEvent) ?? null,
    eventsFound: json.events_found,
    concepts: json.concepts,
    groups: json.groups,
  };
}

function readStep({ revision, concepts, ...one }: WireStep): HistoryStep {
  const { step, status, reason, sequence, trustworthiness, samples } = one;
  const preliminary = revision === 'preliminary';
  return {
    ...{ step, status, reason, sequence, trustworthiness, samples, preliminary },
    concepts: concepts && readConcepts(concepts),
  };
}

function readConcepts({
  ids,
  sizes,
  by_events: byEvents,
  by_churn: byChurn,
}: NonNullable<WireStep['concepts']>): StepConcepts {
  if (ids.length !== sizes.length) throw new WireError('concepts and sizes that do not match');
  return { ids, sizes, byEvents, byChurn };
}

/** Whether two are the same event, even from two responses of the server. */
export function sameEvent(a: RunEvent, b: RunEvent | null | undefined): boolean {
  return a === b || (a.step === b?.step && a.kind === b.kind && a.text === b.text);
}

function readEvent({ before_step: beforeStep, cell, ...event }: HistoryEvent): RunEvent {
  return { ...event, beforeStep, cell: cell && readCell(cell) };
}

function readCell({ grid: size, row, col }: NonNullable<HistoryEvent['cell']>): EventCell {
  if (row >= size || col >= size) throw new WireError(`an event in no cell of grid ${size}`);
  return { size, row, col };
}
