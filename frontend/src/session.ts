// SPDX-License-Identifier: Apache-2.0
/** What happens when: loads, in the order that gets a map on screen first, and the user's choices. */

import { asFailure, fetchAtlas, fetchHistory, fetchIndex, fetchProbe } from './api';
import type { Atlas } from './atlas';
import { Cache } from './cache';
import { type Address, watchReloads } from './host';
import { findRun, findSeries, findStep, type Link, linkOf, readLink } from './link';
import type { RunEntry, SeriesEntry } from './manifest';
import { Pages } from './pages';
import type { State, Store } from './store';

const ATLAS_BUDGET_BYTES = 64 << 20;
const POLL_MS = 30_000;
const PLAY_HOLD_MS = 900;
const PLAY_RETRY_MS = 100;

/** Fields that a change of series or step makes void. */
const NO_STEP = { stepFailure: null, sheetFailure: null } satisfies Partial<State>;

export class Session {
  readonly pages = new Pages();

  readonly #atlases = new Cache<Atlas>(ATLAS_BUDGET_BYTES, (atlas) => atlas.xy.buffer.byteLength);
  /** The newest index; the state keeps the one that the slider shows. */
  #latestRuns: readonly RunEntry[] = [];
  #enriched: string | null = null;
  #playTimer: ReturnType<typeof setTimeout> | undefined;
  #link: Link;

  constructor(
    readonly store: Store,
    private readonly address: Address,
  ) {
    this.#link = readLink(address.read());
    const { level, camera, colour, show } = this.#link;
    store.set({ level, camera, colour, show });
    store.subscribe((state, before) => {
      if (state.phase === 'ready') this.address.write(linkOf(state));
      if (state.settled && !before.settled) this.enrich();
    });
  }

  async start(): Promise<void> {
    watchReloads(() => void this.#poll());
    setInterval(() => {
      if (document.body.clientHeight > 0 && !document.hidden) void this.#poll();
    }, POLL_MS);
    await this.#loadIndex();
  }

  retry(): void {
    this.pages.retry();
    const { phase, step } = this.store.state;
    if (phase === 'failed' || phase === 'empty') {
      this.store.set({ phase: 'loading', failure: null });
      void this.#loadIndex();
      return;
    }
    this.store.set({ ...NO_STEP, probeFailure: null });
    this.#enriched = null;
    if (step !== null) void this.#showStep(step);
  }

  chooseRun(id: string): void {
    const { series } = this.store.state;
    const run = this.#latestRuns.find((one) => one.id === id);
    if (run === undefined) return;
    this.store.set({ runs: this.#latestRuns });
    this.#open(run, findSeries(run, series?.layer ?? null));
  }

  chooseSeries(id: string): void {
    const runId = this.store.state.run?.id;
    const run = this.#latestRuns.find((one) => one.id === runId);
    const series = run?.series.find((one) => one.id === id);
    if (run === undefined || series === undefined) return;
    this.store.set({ runs: this.#latestRuns });
    this.#open(run, series);
  }

  chooseStep(step: number): void {
    if (step !== this.store.state.step) void this.#showStep(step);
  }

  stepBy(count: number): void {
    const { series, step } = this.store.state;
    if (series === null || step === null) return;
    const next = series.steps[series.steps.indexOf(step) + count];
    if (next !== undefined) this.chooseStep(next);
  }

  togglePlay(): void {
    const { playing, series, step } = this.store.state;
    clearTimeout(this.#playTimer);
    this.store.set({ playing: !playing });
    if (playing || series === null) return;
    const first = series.steps[0];
    if (step === series.steps.at(-1) && first !== undefined) this.chooseStep(first);
    this.#scheduleNext(PLAY_RETRY_MS);
  }

  /** Takes over the steps that the pill announced and goes to the newest. */
  acceptFreshSteps(): void {
    const { run, series } = this.store.state;
    const found = this.#latest(run, series);
    if (found === null) return;
    this.#enriched = null;
    this.store.set({
      runs: this.#latestRuns,
      run: found.run,
      series: found.series,
      freshSteps: 0,
    });
    const newest = found.series.steps.at(-1);
    if (newest !== undefined) this.chooseStep(newest);
    this.enrich();
  }

  /** What the first map can do without: history, probe and the neighbours of the step. */
  private enrich(): void {
    const { run, series } = this.store.state;
    if (run === null || series === null) return;
    if (this.#enriched !== series.id) {
      this.#enriched = series.id;
      void this.#loadHistory(series);
      if (run.probe && this.store.state.probe === null) void this.#loadProbe(run);
    }
    this.#preloadNeighbours(series);
  }

  async #loadIndex(): Promise<void> {
    try {
      const runs = await fetchIndex();
      this.#latestRuns = runs;
      const run = findRun(runs, this.#link.run);
      if (run === null) {
        this.store.set({ phase: 'empty', runs: [], busy: false });
        return;
      }
      this.store.set({ phase: 'ready', runs });
      this.#open(run, findSeries(run, this.#link.layer), this.#link.step);
    } catch (error) {
      this.store.set({ phase: 'failed', failure: asFailure(error), busy: false });
    }
  }

  #open(run: RunEntry, series: SeriesEntry | null, wanted = this.store.state.step): void {
    const sameRun = run.id === this.store.state.run?.id;
    const step = findStep(series?.steps ?? [], wanted);
    this.store.set({
      ...NO_STEP,
      run,
      series,
      history: null,
      hover: null,
      freshSteps: 0,
      ...(sameRun ? {} : { probe: null, probeFailure: null }),
    });
    if (step !== null) void this.#showStep(step);
  }

  async #showStep(step: number): Promise<void> {
    const { series } = this.store.state;
    if (series === null) return;
    this.store.set({ ...NO_STEP, step, busy: true, settled: false });
    const current = () =>
      this.store.state.series?.id === series.id && this.store.state.step === step;
    try {
      const atlas = await this.#loadAtlas(series, step);
      if (current()) this.store.set({ atlas, busy: false });
    } catch (error) {
      if (!current()) return;
      this.store.set({ stepFailure: asFailure(error), busy: false, hover: null });
      this.enrich();
    }
  }

  /** The wall time in the key tells a re-run into the same directory from the run before. */
  #loadAtlas(series: SeriesEntry, step: number): Promise<Atlas> {
    const time = series.wallTimes[series.steps.indexOf(step)] ?? 0;
    return this.#atlases.load(`${series.id}/${step}/${time}`, () => fetchAtlas(series.id, step));
  }

  async #loadHistory(series: SeriesEntry): Promise<void> {
    const history = await fetchHistory(series.id).catch(() => null);
    if (this.store.state.series?.id === series.id) this.store.set({ history });
  }

  async #loadProbe(run: RunEntry): Promise<void> {
    const answer = await fetchProbe(run.id).then(
      (probe) => ({ probe, probeFailure: null }),
      (error: unknown) => ({ probe: null, probeFailure: asFailure(error) }),
    );
    if (this.store.state.run?.id === run.id) this.store.set(answer);
  }

  #preloadNeighbours(series: SeriesEntry): void {
    const { step, shownLevel } = this.store.state;
    const at = series.steps.indexOf(step ?? Number.NaN);
    for (const neighbour of [series.steps[at + 1], series.steps[at - 1]]) {
      if (at < 0 || neighbour === undefined) continue;
      this.#loadAtlas(series, neighbour).then(
        (atlas) => {
          const level = atlas.levels.find(({ size }) => size === shownLevel);
          if (level !== undefined) this.pages.icons(atlas, level);
        },
        () => {
          // Shown with its reason when somebody goes there.
        },
      );
    }
  }

  #scheduleNext(delay: number): void {
    this.#playTimer = setTimeout(() => {
      const { busy, series, step, playing, settled, stepFailure } = this.store.state;
      if (!playing || series === null) return;
      if (busy || !(settled || stepFailure !== null)) {
        this.#scheduleNext(PLAY_RETRY_MS);
        return;
      }
      const next = this.#nextSoundStep(series, step);
      if (next === null) {
        this.store.set({ playing: false });
        return;
      }
      this.chooseStep(next);
      this.#scheduleNext(PLAY_HOLD_MS);
    }, delay);
  }

  /** Play passes over steps that are known to be damaged. */
  #nextSoundStep(series: SeriesEntry, step: number | null): number | null {
    const { history } = this.store.state;
    const later = series.steps.slice(series.steps.indexOf(step ?? Number.NaN) + 1);
    return later.find((one) => (history?.steps.get(one)?.status ?? 'ok') === 'ok') ?? null;
  }

  async #poll(): Promise<void> {
    const { phase, run, series } = this.store.state;
    if (phase === 'loading') return;
    const runs = await fetchIndex().catch(() => null);
    if (runs === null) return;
    if (phase === 'empty' || phase === 'failed') {
      if (findRun(runs, null) !== null) this.retry();
      return;
    }
    this.#latestRuns = runs;
    const found = this.#latest(run, series);
    if (found === null || series === null) return;
    const known = new Set(series.steps);
    this.store.set({ freshSteps: found.series.steps.filter((step) => !known.has(step)).length });
    this.#adoptNewNames(runs);
  }

  /** New runs and layers join their menus at once; steps under the slider wait for the user. */
  #adoptNewNames(runs: readonly RunEntry[]): void {
    const { runs: shown, run } = this.store.state;
    const names = (list: readonly RunEntry[]) =>
      list.map((one) => [one.id, ...one.series.map((series) => series.id)].join()).join();
    if (names(runs) === names(shown)) return;
    this.store.set({ runs, run: runs.find((one) => one.id === run?.id) ?? run });
  }

  #latest(
    run: RunEntry | null,
    series: SeriesEntry | null,
  ): { run: RunEntry; series: SeriesEntry } | null {
    const latestRun = this.#latestRuns.find((one) => one.id === run?.id);
    const latestSeries = latestRun?.series.find((one) => one.id === series?.id);
    return latestRun && latestSeries ? { run: latestRun, series: latestSeries } : null;
  }
}
