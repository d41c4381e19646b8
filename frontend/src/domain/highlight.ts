// SPDX-License-Identifier: Apache-2.0
/** Finds the samples of an atlas that a highlight names. */

import type { Atlas } from '../wire/atlas';
import { rowsOf } from './concepts';
import type { Highlight } from './view';

/** The concepts that stand out at `step`. */
export function highlightedIds({ ids, event }: Highlight, step: number): readonly number[] {
  if (event === null) return ids;
  return step >= event.step ? event.after : event.before;
}

/** Rows of the samples of `atlas` that stand out, ascending. */
export function highlightedRows(atlas: Atlas, highlight: Highlight): Int32Array {
  const ids = highlightedIds(highlight, atlas.step);
  const { of, probe, atlas: only = atlas.key } = highlight;
  const known = probe === undefined || probe === atlas.manifest.probeDigest;
  if (!known || only !== atlas.key) return new Int32Array();
  if (of === 'sample') return Int32Array.from(ids.filter((row) => row < atlas.count));
  return rowsOf(of === 'image' ? atlas.imageIds : atlas.concepts, ids);
}
