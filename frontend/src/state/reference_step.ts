// SPDX-License-Identifier: Apache-2.0
/** The reference step: A of a comparison, or the previous step, from which drift is measured. */

import { asFailure } from '../wire/api';
import type { Atlas } from '../wire/atlas';
import type { Session } from './session';
import type { State } from './store';

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
    const { series } = state;
    const key = step === null || series === null ? '' : `${series.id}/${step}`;
    const retried = this.#failed && state.otherFailure === null;
    if (key === this.#key && !retried) return;
    this.#key = key;
    this.#failed = false;
    if (step !== null) void this.#load(state, step);
  }

  async #load({ series }: State, step: number): Promise<void> {
    if (series === null) return;
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
  const { other, series } = state;
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
