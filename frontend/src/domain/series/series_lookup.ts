// SPDX-License-Identifier: Apache-2.0
/** Finds runs, layers, and steps of the index by name, by id, or by their order. */

import type { RunEntry, SeriesEntry } from '../../wire/manifest';
import { classTest } from './class_series';

/** The run that a name or id means, else the first that has anything to show. */
export function findRun(runs: readonly RunEntry[], wanted: string | null): RunEntry | null {
  const named = runs.find((run) => run.run === wanted || run.id === wanted);
  const usable = runs.filter((run) => run.series.length > 0);
  return (named && named.series.length > 0 ? named : usable[0]) ?? null;
}

/** The series that a name or id means, else the last layer: none of its classes, if there are others. */
export function findSeries(run: RunEntry, wanted: string | null): SeriesEntry | null {
  const isClass = classTest(run);
  const last = run.series.findLast((one) => !isClass(one)) ?? run.series.at(-1) ?? null;
  return run.series.find((one) => one.layer === wanted || one.id === wanted) ?? last;
}

/** The logged step nearest to the one wanted, or the last. */
export function findStep(steps: readonly number[], wanted: number | null): number | null {
  const last = steps[steps.length - 1] ?? null;
  if (wanted === null) return last;
  return steps.reduce<number | null>(
    (best, step) =>
      best === null || Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best,
    null,
  );
}

/** The layers of a run in the order of their names, without their class atlases. */
export function layersOf(run: RunEntry): SeriesEntry[] {
  const isClass = classTest(run);
  return run.series
    .filter((one) => !isClass(one))
    .sort((a, b) => a.layer.localeCompare(b.layer, 'en', { numeric: true }));
}

/** The layer that follows one, or with -1 the one before it, or null. */
export function layerBeside(run: RunEntry, series: SeriesEntry, by: number): SeriesEntry | null {
  const layers = layersOf(run);
  const at = layers.findIndex(({ id }) => id === series.id);
  return (at >= 0 && layers[at + by]) || null;
}
