// SPDX-License-Identifier: Apache-2.0
/** The reference step: A of a comparison, which may be of another run or layer, or the previous step, from which drift is measured. */

import { findSeriesA, findSideA } from '../domain/comparison/compared_series';
import { folderOf } from '../domain/series/relayout_runs';
import { count, shorten } from '../util/format';
import { asFailure } from '../wire/api';
import type { Atlas } from '../wire/atlas';
import type { SeriesEntry } from '../wire/manifest';
import type { Session } from './session';
import type { State } from './store';

const LONGEST_NAME = 40;

/** Loads `state.other` whenever it is needed. */
export class Reference {
  #key = '';
  #failed = false;

  constructor(private readonly session: Session) {
    session.store.subscribe((state) => this.#follow(state));
    this.#follow(session.store.state);
  }

  #follow(state: State): void {
    const step = wantedStep(state);
    const series = findSeriesA(state);
    const key = step === null || series === null ? '' : `${series.id}/${step}`;
    const retried = this.#failed && state.otherFailure === null;
    if (key === this.#key && !retried) return;
    this.#key = key;
    this.#failed = false;
    if (step !== null && series !== null) void this.#load(series, step);
  }

  async #load(series: SeriesEntry, step: number): Promise<void> {
    const key = this.#key;
    const change = await this.session.loadAtlas(series, step).then(
      (other) => ({ other, otherFailure: null }),
      (error: unknown) => ({ other: null, otherFailure: asFailure(error) }),
    );
    if (key !== this.#key) return;
    this.session.store.set(change);
    this.#failed = change.otherFailure !== null;
  }
}

/** "step 40", or "run b, layer3, step 40" with what differs from B. */
export function nameReference(state: State): string {
  const side = findSideA(state);
  const parts = [
    side && side.run.id !== state.run?.id ? folderOf(side.run.run) || '(log directory)' : '',
    side && side.series.layer !== state.series?.layer ? side.series.layer : '',
    `step ${count(wantedStep(state) ?? 0)}`,
  ];
  return parts
    .filter(Boolean)
    .map((part) => shorten(part, LONGEST_NAME))
    .join(', ');
}

/** The step of the reference atlas, or null if none is needed. */
export function wantedStep(state: State): number | null {
  if (state.compare !== null) return state.compare;
  return state.drift ? stepBefore(state) : null;
}

/** The nearest earlier step that is not known to be damaged. */
export function stepBefore({ series, step, history }: State): number | null {
  const at = series?.steps.indexOf(step ?? Number.NaN) ?? -1;
  const sound = (one: number) => (history?.steps.get(one)?.status ?? 'ok') === 'ok';
  return series?.steps.slice(0, Math.max(0, at)).findLast(sound) ?? null;
}

/** The reference atlas, or null while it is not loaded. */
export function referenceOf(state: State): Atlas | null {
  const { other } = state;
  const series = findSeriesA(state);
  const here = other !== null && other.series === series?.id && other.step === wantedStep(state);
  return here ? other : null;
}

/** Whether the reference atlas has loaded or failed to load. */
export function isReferenceSettled(state: State): boolean {
  return state.otherFailure !== null || referenceOf(state) !== null;
}

/** The atlas on screen, which cards and outlines describe. */
export function atlasOnScreen(state: State): Atlas | null {
  return (state.flipped ? referenceOf(state) : null) ?? state.atlas;
}
