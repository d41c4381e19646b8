// SPDX-License-Identifier: Apache-2.0
/** Finds the samples of an atlas that a highlight refers to. */

import type { Atlas } from '../wire/atlas';
import type { Highlight } from './display_types';
import { rowsOf } from './sample_rows';

/** The concepts that stand out at `step`. */
export function highlightedIds({ ids, event }: Highlight, step: number): readonly number[] {
  if (event === null) return ids;
  return step >= event.step ? event.after : event.before;
}

/**
 * Label of the samples that stand out at `step`, if the event is a change of predictions or of
 * confidence, and their prediction, if it is one of predictions.
 */
export function highlightedClasses({ event }: Highlight, step: number): readonly number[] | null {
  if (!event?.classes) return null;
  const [label, before, now] = event.classes;
  return [label, step >= event.step ? now : before].filter((one) => one !== undefined);
}

/** Rows of the samples of `atlas` that stand out, ascending. */
export function highlightedRows(atlas: Atlas, highlight: Highlight): Int32Array {
  const ids = highlightedIds(highlight, atlas.step);
  const { of, probe, atlas: only = atlas.key } = highlight;
  const known = probe === undefined || probe === atlas.manifest.probeDigest;
  if (!known || only !== atlas.key) return new Int32Array();
  const classes = highlightedClasses(highlight, atlas.step);
  if (classes) return findPredictedRows(atlas, classes);
  if (of === 'sample') return Int32Array.from(ids.filter((row) => row < atlas.count));
  return rowsOf(of === 'image' ? atlas.imageIds : atlas.concepts, ids);
}

function findPredictedRows(
  { labels, predictions }: Atlas,
  [label = -1, prediction]: readonly number[],
): Int32Array {
  const rows = rowsOf(labels, [label]);
  return prediction === undefined ? rows : rows.filter((row) => predictions?.[row] === prediction);
}

/** The id of the concept that is highlighted, or null if it is an event or something else. */
export function highlightedConcept(highlight: Highlight | null): number | null {
  if (highlight === null || highlight.event !== null || highlight.of) return null;
  return highlight.ids[0] ?? null;
}

/** The highlight after a click on a concept: of that concept, or null if it is highlighted already. */
export function toggleConcept(
  highlight: Highlight | null,
  id: number,
  name: string,
): Highlight | null {
  return highlightedConcept(highlight) === id ? null : { ids: [id], name, event: null };
}
