// SPDX-License-Identifier: Apache-2.0
/** Moves through the steps, one by one or continuously during playback. */

import type { SeriesEntry } from '../wire/manifest';
import type { Session } from './session';

/** From one step to the next: 300 ms on the way and 700 ms of rest. */
const HOLD_MS = 1000;
const RETRY_MS = 100;

export class Player {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly session: Session) {}

  stepBy(count: number): void {
    const { series, step } = this.session.store.state;
    if (series === null || step === null) return;
    const next = series.steps[series.steps.indexOf(step) + count];
    if (next !== undefined) this.session.chooseStep(next);
  }

  toggle(): void {
    const { playing, series, step } = this.session.store.state;
    clearTimeout(this.#timer);
    this.session.store.set({ playing: !playing });
    if (playing || series === null) return;
    const first = series.steps[0];
    if (step === series.steps.at(-1) && first !== undefined) this.session.chooseStep(first);
    this.#schedule(HOLD_MS);
  }

  /** Goes on once the step before is on screen, so that a slow server slows play and skips nothing. */
  #schedule(delay: number): void {
    this.#timer = setTimeout(() => {
      const { busy, series, step, playing, settled, stepFailure } = this.session.store.state;
      if (!playing || series === null) return;
      if (busy || !(settled || stepFailure !== null)) {
        this.#schedule(RETRY_MS);
        return;
      }
      const next = this.#nextSound(series, step);
      if (next === null) {
        this.session.store.set({ playing: false });
        return;
      }
      this.session.chooseStep(next);
      this.#schedule(HOLD_MS);
    }, delay);
  }

  /** Play passes over steps that are known to be damaged. */
  #nextSound(series: SeriesEntry, step: number | null): number | null {
    const { history } = this.session.store.state;
    const later = series.steps.slice(series.steps.indexOf(step ?? Number.NaN) + 1);
    return later.find((one) => (history?.steps.get(one)?.status ?? 'ok') === 'ok') ?? null;
  }
}
