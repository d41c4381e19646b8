// SPDX-License-Identifier: Apache-2.0
/** Finds the class atlas of a class: in the run, or in the run beside it that `tensorboard-atlas class` wrote. */

import { isAside, OF } from '../domain/series/class_series';
import type { RunEntry, SeriesEntry } from '../wire/manifest';
import type { Session } from './session';

const AND = ' / ';
const LONGEST_NAME = 60;

const labelsOf = new WeakMap<readonly string[], readonly string[]>();

/** Name of a class in the name of a series; `known` are all names, if there are any. */
export function seriesLabel(known: readonly string[] | null, index: number): string {
  if (known === null) return String(index);
  let labels = labelsOf.get(known);
  if (labels === undefined) {
    labels = known.map(cut);
    labelsOf.set(known, labels);
  }
  const label = labels[index];
  if (label === undefined) return String(index);
  return labels.filter((one) => one === label).length > 1 ? `${label} (${index})` : label;
}

function cut(name: string): string {
  const characters = [...name.replaceAll(OF, '·').replaceAll(AND, '/')];
  if (characters.length <= LONGEST_NAME) return characters.join('');
  return `${characters.slice(0, LONGEST_NAME - 1).join('')}…`;
}

export interface Place {
  readonly run: RunEntry;
  readonly series: SeriesEntry;
}

/** The atlas of one class of a layer, or of two in either order, by their labels; without any, the layer's own. */
export function findAtlas(
  runs: readonly RunEntry[],
  here: RunEntry,
  layer: string,
  labels: readonly string[] = [],
): Place | null {
  const names =
    labels.length === 0
      ? [layer]
      : [labels, labels.toReversed()].map((one) => layer + OF + one.join(AND));
  const home = here.run.replace(/\/classes$/, '');
  const beside = isAside(here) ? home : `${home}/classes`;
  for (const run of [here, ...runs.filter((one) => one.run === beside)]) {
    const series = run.series.find((one) => names.includes(one.layer));
    if (series !== undefined) return { run, series };
  }
  return null;
}

export function openAtlas(session: Session, { run, series }: Place): void {
  if (run.id !== session.store.state.run?.id) session.chooseRun(run.id);
  session.chooseSeries(series.id);
}
