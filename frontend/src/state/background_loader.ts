// SPDX-License-Identifier: Apache-2.0
/** Loads history, probe, and adjacent steps after the first map, and watches a log for new steps. */

import { wholePages } from '../domain/icon_sprites';
import { findProbeRun } from '../domain/series/relayout_runs';
import { findRun } from '../domain/series/series_lookup';
import { watchReloads } from '../host/tensorboard';
import { asFailure, fetchIndex } from '../wire/api';
import { levelOf } from '../wire/atlas';
import type { RunEntry, SeriesEntry } from '../wire/manifest';
import { fetchProbe } from '../wire/probe';
import { fetchHistory } from '../wire/series_history';
import type { Session } from './session';
import type { State } from './store';

const POLL_MS = 30_000;

export class BackgroundLoader {
  constructor(private readonly session: Session) {
    session.store.subscribe((state, before) => {
      if (isResting(state) && !isResting(before)) void this.#enrich(state);
    });
    if (isResting(session.store.state)) void this.#enrich(session.store.state);
    if (session.store.state.source.kind === 'page') return;
    watchReloads(() => void this.#poll());
    setInterval(() => {
      if (!document.hidden && document.body.clientHeight > 0) void this.#poll();
    }, POLL_MS);
  }

  async #enrich({ run, series, probe, probeFailure, history, stepFailure }: State): Promise<void> {
    if (run === null || series === null) return;
    if (probe === null && probeFailure === null) void this.#loadProbe(run);
    if (history === null || stepFailure !== null) await this.#loadHistory(series);
    if (this.session.store.state.series === series) this.#preload(this.session.store.state, series);
  }

  /** The server detects damage when a step is requested; its history then reports it. */
  async #loadHistory(series: SeriesEntry): Promise<void> {
    const change = await fetchHistory(series.id).then(
      (history) => ({ history, historyFailure: null }),
      (error: unknown) => ({ historyFailure: asFailure(error) }),
    );
    if (this.session.store.state.series?.id === series.id) this.session.store.set(change);
  }

  async #loadProbe(run: RunEntry): Promise<void> {
    const probeRun = findProbeRun(this.session.store.state.runs, run);
    if (probeRun === null) return;
    const change = await fetchProbe(probeRun.id).then(
      (probe) => ({ probe, probeFailure: null }),
      (error: unknown) => ({ probe: null, probeFailure: asFailure(error) }),
    );
    if (this.session.store.state.run?.id === run.id) this.session.store.set(change);
  }

  /** Fetches the steps next door, but none that is known to be damaged. */
  #preload({ step, shownLevel, history }: State, series: SeriesEntry): void {
    const at = series.steps.indexOf(step ?? Number.NaN);
    for (const neighbor of [series.steps[at + 1], series.steps[at - 1]]) {
      if (at < 0 || neighbor === undefined) continue;
      if (history !== null && history.steps.get(neighbor)?.status !== 'ok') continue;
      this.session.loadAtlas(series, neighbor).then(
        (atlas) => {
          const level = levelOf(atlas, shownLevel);
          if (level !== undefined) this.session.pages.icons(atlas, level, wholePages(level));
        },
        () => void this.#loadHistory(series),
      );
    }
  }

  async #poll(): Promise<void> {
    const { session } = this;
    const { phase } = session.store.state;
    if (phase === 'loading') return;
    const runs = await fetchIndex().catch(() => null);
    if (runs === null) return;
    if (phase !== 'ready') {
      if (findRun(runs, null) !== null) session.retry();
      return;
    }
    session.latestRuns = runs;
    const { series } = session.store.state;
    const found = session.findLatest();
    if (found === null || series === null) return;
    const known = new Set(series.steps);
    const fresh = found.series.steps.filter((step) => !known.has(step)).length;
    session.store.set({ freshSteps: fresh });
    if (session.renew(found.series)) void this.#loadHistory(found.series);
    this.#adoptNewNames(runs);
  }

  /** New runs and layers join their menus at once; steps under the slider wait for the user. */
  #adoptNewNames(runs: readonly RunEntry[]): void {
    const { store } = this.session;
    const { runs: shown, run } = store.state;
    const names = (list: readonly RunEntry[]) =>
      JSON.stringify(list.map((one) => [one.id, one.series.map(({ id }) => id)]));
    if (names(runs) === names(shown)) return;
    store.set({ runs, run: runs.find((one) => one.id === run?.id) ?? run });
  }
}

/** There is a map, or the reason why there is none: the line is free for the rest. */
function isResting({ settled, stepFailure }: State): boolean {
  return settled || stepFailure !== null;
}
