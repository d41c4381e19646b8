// SPDX-License-Identifier: Apache-2.0
/** Loads the index, the atlas, and its images in the order that shows a map first; sets run, layer, and step. */

import { findSeriesA, followLayer, isOtherSeries } from '../domain/comparison/compared_series';
import { findRun, findSeries, findStep } from '../domain/series/series_lookup';
import type { Address } from '../host/tensorboard';
import type { HashValues } from '../host/url_hash';
import { Cache } from '../util/cache';
import { asFailure, fetchAtlas, fetchIndex, openSample } from '../wire/api';
import type { Atlas } from '../wire/atlas';
import type { RunEntry, SeriesEntry } from '../wire/manifest';
import { type Link, linkOf, missingOf, readLink } from './deep_link';
import { SpritePages } from './sprite_pages';
import type { State, Store } from './store';

const ATLAS_BUDGET_BYTES = 64 << 20;

/** Fields that a change of series or step makes void, and what is tried again with it. */
const NO_STEP = {
  stepFailure: null,
  sheetFailure: null,
  historyFailure: null,
  loadFailed: false,
} satisfies Partial<State>;

/** Parts of a link that do not name a step. */
function lookOf({ run: _run, layer: _layer, step: _step, ...look }: Link): Partial<State> {
  return look;
}

/** Where links are read from and written to. */
type Links = Pick<Address, 'read' | 'watch' | 'write'>;

export class Session {
  readonly pages: SpritePages;
  /** The newest index; the state keeps the one that the slider shows. */
  latestRuns: readonly RunEntry[] = [];

  readonly #atlases: Cache<Atlas>;
  #link: Link;

  constructor(
    readonly store: Store,
    address: Links,
    /** The cache that it reads and extends. */
    other?: Session,
  ) {
    this.pages = other?.pages ?? new SpritePages();
    this.#atlases = other
      ? other.#atlases
      : new Cache(ATLAS_BUDGET_BYTES, (atlas) => atlas.xy.buffer.byteLength);
    this.#link = readLink(address.read());
    store.set(lookOf(this.#link));
    address.watch((values) => this.#follow(values));
    store.subscribe((state) => {
      if (state.phase === 'ready' && state.source.kind !== 'sample') address.write(linkOf(state));
    });
  }

  async start(): Promise<void> {
    try {
      const runs = await fetchIndex();
      this.latestRuns = runs;
      const run = findRun(runs, this.#link.run);
      if (run === null) {
        this.store.set({ phase: 'empty', runs: [], busy: false });
        return;
      }
      this.store.set({ phase: 'ready', runs });
      this.#goTo(run);
    } catch (error) {
      this.store.set({ phase: 'failed', failure: asFailure(error), busy: false });
    }
  }

  /** Shows what comes with the plugin in the place of a log that holds nothing. */
  async openSample(): Promise<void> {
    this.store.set({ phase: 'loading', busy: true });
    try {
      await openSample();
      this.store.set({ source: { kind: 'sample' } });
      await this.start();
    } catch (error) {
      this.store.set({ phase: 'failed', failure: asFailure(error), busy: false });
    }
  }

  retry(): void {
    this.pages.retry();
    const { phase, step } = this.store.state;
    if (phase === 'failed' || phase === 'empty') {
      this.store.set({ phase: 'loading', failure: null });
      void this.start();
      return;
    }
    // The run may have been logged again, which invalidates all cached manifests.
    this.#atlases.clear();
    this.store.set({ ...NO_STEP, history: null, probeFailure: null, otherFailure: null });
    if (step !== null) void this.#showStep(step);
  }

  chooseRun(id: string): void {
    const run = this.latestRuns.find((one) => one.id === id);
    if (run === undefined) return;
    const layer = this.store.state.series?.layer ?? null;
    this.store.set({ runs: this.latestRuns });
    this.open(run, findSeries(run, layer));
  }

  chooseSeries(id: string): void {
    const run = this.latestRuns.find((one) => one.id === this.store.state.run?.id);
    const series = run?.series.find((one) => one.id === id);
    if (run === undefined || series === undefined) return;
    this.store.set({ runs: this.latestRuns });
    this.open(run, series);
  }

  chooseStep(step: number): void {
    this.store.set({ missing: {} });
    if (step !== this.store.state.step) void this.#showStep(step);
  }

  /** Takes over the steps that the pill announced and goes to the newest. */
  acceptFreshSteps(): void {
    const found = this.findLatest();
    if (found === null) return;
    const newest = found.series.steps.at(-1) ?? null;
    this.store.set({ runs: this.latestRuns });
    this.open(found.run, found.series, newest);
  }

  /** The run and series on screen as the newest index lists them. */
  findLatest(): { run: RunEntry; series: SeriesEntry } | null {
    const { run, series } = this.store.state;
    const latestRun = this.latestRuns.find((one) => one.id === run?.id);
    const latestSeries = latestRun?.series.find((one) => one.id === series?.id);
    return latestRun && latestSeries ? { run: latestRun, series: latestSeries } : null;
  }

  /** The key contains the version, which changes when a step is replaced. */
  loadAtlas(series: SeriesEntry, step: number): Promise<Atlas> {
    const version = series.versions[series.steps.indexOf(step)] ?? '';
    return this.#atlases.load(`${series.id}/${step}/${version}`, () => fetchAtlas(series.id, step));
  }

  /**
   * Takes over new versions of listed steps, such as a preliminary atlas or its icons, and late additions,
   * such as a search. Map, selection, and step stay. Returns whether anything changed.
   */
  renew(latest: SeriesEntry): boolean {
    const { series, step, atlas, stepFailure } = this.store.state;
    if (series === null || series.id !== latest.id) return false;
    const at = (one: number) => latest.steps.indexOf(one);
    const versions = series.steps.map((one, i) => latest.versions[at(one)] ?? series.versions[i]);
    const { shortcuts } = latest;
    if (
      versions.every((version, i) => version === series.versions[i]) &&
      shortcuts.length === series.shortcuts.length
    )
      return false;
    const wallTimes = series.steps.map(
      (one, i) => latest.wallTimes[at(one)] ?? series.wallTimes[i],
    );
    const renewed = { ...series, versions, wallTimes, shortcuts } as SeriesEntry;
    const shown = step === null ? -1 : series.steps.indexOf(step);
    this.store.set({ series: renewed });
    if (step === null || versions[shown] === series.versions[shown]) return true;
    if (atlas?.step !== step || stepFailure !== null) void this.#showStep(step);
    else void this.#swap(renewed, step);
    return true;
  }

  /** The old scene stays on screen until the new one is loaded. */
  async #swap(series: SeriesEntry, step: number): Promise<void> {
    const atlas = await this.loadAtlas(series, step).catch(() => null);
    const { state } = this.store;
    if (atlas !== null && state.series === series && state.step === step) this.store.set({ atlas });
  }

  /** Goes where a link leads that was pasted while the tab was open. */
  #follow(values: HashValues): void {
    const now = linkOf(this.store.state);
    const differs = Object.entries(now).some(([key, value]) => value !== (values[key] ?? ''));
    if (Object.keys(values).length === 0 || !differs) return;
    this.#link = readLink(values);
    const run = findRun(this.latestRuns, this.#link.run);
    // At once: the reference step belongs to the new series, not to the old one.
    const look = lookOf(this.#link);
    if (run !== null) this.#goTo(run, look);
    else this.store.set(look);
    // Listeners may have closed it.
    this.store.set({ highlightText: this.#link.highlightText });
  }

  /** To where the link leads, or what comes nearest in the run that was found for it. */
  #goTo(run: RunEntry, look: Partial<State> = {}): void {
    const series = findSeries(run, this.#link.layer);
    const missing = missingOf(this.#link, { runs: this.latestRuns, run, series });
    this.open(run, series, this.#link.step, { ...look, missing });
  }

  open(
    run: RunEntry,
    series: SeriesEntry | null,
    wanted = this.store.state.step,
    look: Partial<State> = {},
  ): void {
    const sameRun = run.id === this.store.state.run?.id;
    const step = findStep(series?.steps ?? [], wanted);
    const { state } = this.store;
    const followed = state.compareIn && followLayer(state, series?.layer);
    const next = { ...state, compareIn: followed, ...look, run, series };
    const { compare, highlight } = next;
    const compareIn = isOtherSeries(next) ? next.compareIn : '';
    const steps = findSeriesA({ ...next, compareIn })?.steps;
    const sameSeries = series?.id === this.store.state.series?.id;
    this.store.set({
      ...NO_STEP,
      missing: {},
      ...look,
      run,
      series,
      history: null,
      hover: null,
      freshSteps: 0,
      settled: false,
      compare: compare === null ? null : findStep(steps ?? [], compare),
      compareIn,
      flipped: false,
      // An image is the same one in every layer.
      highlight: sameSeries || (sameRun && highlight?.of === 'image') ? highlight : null,
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
      const atlas = await this.loadAtlas(series, step);
      if (current()) this.store.set({ atlas, busy: false });
    } catch (error) {
      if (!current()) return;
      this.store.set({ stepFailure: asFailure(error), busy: false, hover: null });
    }
  }
}
