// SPDX-License-Identifier: Apache-2.0
/**
 * The other panes, as text of the URL: `layer,step,run;layer,step,run`, names percent
 * encoded, no step for one that follows the first pane, and `+` for one that is to be chosen.
 */

import { findRun, findSeries, layersOf } from '../domain/series/series_lookup';
import { decodeName, encodeName } from '../util/url_names';
import type { RunEntry, SeriesEntry } from '../wire/manifest';
import type { Session } from './session';
import type { State } from './store';

const MOST_PANES = 3;
const REQUESTED = '+';

/** Run, layer, and step of one pane; a null step follows the first pane. */
export interface PaneSpec {
  readonly run: RunEntry;
  readonly series: SeriesEntry;
  readonly step: number | null;
}

/** The panes that an address names, as far as there is something to show. */
export function readPanes(state: State, runs: readonly RunEntry[]): PaneSpec[] {
  const found: PaneSpec[] = [];
  for (const part of state.panes.split(';').slice(0, MOST_PANES)) {
    const spec = part === REQUESTED ? nextPane(state, found) : readPane(part, runs, state.run);
    if (part !== '' && spec !== null) found.push(spec);
  }
  return found;
}

function readPane(
  part: string,
  runs: readonly RunEntry[],
  first: RunEntry | null,
): PaneSpec | null {
  const [layer = '', step = '', name = ''] = part.split(',').map(decodeName);
  const run = findRun(runs, name || (first?.id ?? null));
  const series = run && findSeries(run, layer);
  const fixed = Number(step.trim() || Number.NaN);
  return run && series && { run, series, step: Number.isFinite(fixed) ? fixed : null };
}

export function writePanes(specs: readonly PaneSpec[]): string {
  return specs
    .map(({ run, series, step }) =>
      [encodeName(series.layer, series.id), step ?? '', encodeName(run.run, run.id)].join(),
    )
    .join(';');
}

/** One more pane, as text of the URL; null if there is no room. */
export function withPane({ panes }: State): string | null {
  const parts = panes.split(';').filter(Boolean);
  return parts.length < MOST_PANES ? [...parts, REQUESTED].join(';') : null;
}

/** Without the pane at `index`, or the last. */
export function withoutPane({ panes }: State, index = -1): string {
  const parts = panes.split(';');
  parts.splice(index, 1);
  return parts.join(';');
}

/** The default of a new pane: the nearest layer that is not shown. */
function nextPane(state: State, there: readonly PaneSpec[]): PaneSpec | null {
  const { run, series, runs, step } = state;
  if (run === null || series === null) return null;
  const layers = layersOf(run);
  const at = layers.findIndex(({ id }) => id === series.id);
  const shown = new Set([series.id, ...there.map((one) => one.series.id)]);
  const near = layers
    .map((one, i) => ({ one, away: Math.abs(i - at - 0.1) }))
    .sort((a, b) => a.away - b.away)
    .find(({ one }) => !shown.has(one.id))?.one;
  if (near) return { run, series: near, step: null };
  for (const other of runs) {
    const same = other.series.find((one) => one.layer === series.layer && !shown.has(one.id));
    if (same) return { run: other, series: same, step: same.steps.at(-1) ?? null };
  }
  const before = series.steps[series.steps.indexOf(step ?? Number.NaN) - 1] ?? series.steps[0];
  return { run, series, step: before ?? null };
}

/** Adds a map next to those that are there. */
export function addPane({ store }: Session): void {
  const panes = withPane(store.state);
  store.set(panes === null ? { said: `There is room for ${MOST_PANES + 1} panes.` } : { panes });
}

/** Closes the last pane; the first one stays. */
export function closePane({ store }: Session): void {
  store.set({ panes: withoutPane(store.state) });
}
