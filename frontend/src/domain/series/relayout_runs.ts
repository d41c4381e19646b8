// SPDX-License-Identifier: Apache-2.0
/** The two layouts of one run: the original and the relayout. */

import type { Atlas } from '../../wire/atlas';
import type { RunEntry } from '../../wire/manifest';

/** Whether a place means the same on both maps: one layer, laid out in one frame. */
export function shareLayout(a: Atlas, b: Atlas): boolean {
  if (a.manifest.layer !== b.manifest.layer) return false;
  const [ours, theirs] = [frameOf(a), frameOf(b)];
  return ours === null && theirs === null ? a.series === b.series : ours === theirs;
}

function frameOf({ manifest: { fields } }: Atlas): string | null {
  return fields.viewport && JSON.stringify(fields.viewport);
}

/** TensorBoard names our child run `<run>/atlas`; the folder that people know is the part before. */
export function folderOf(run: string): string {
  return run.replace(/(^|\/)atlas$/, '');
}

/** Whether a name is that of a run laid out again from its end: `<run>/backwards`. */
export function isRelayout(run: string): boolean {
  return /(^|\/)backwards(\/atlas)?$/.test(run);
}

/** The same run laid out the other way, or null. */
export function findOtherLayout(runs: readonly RunEntry[], run: RunEntry): RunEntry | null {
  const relayout = isRelayout(run.run);
  const other = runs.find(
    (one) => isRelayout(one.run) !== relayout && trainingOf(one.run) === trainingOf(run.run),
  );
  if (other === undefined) return null;
  // A folder may have that name by chance: then it has other layers.
  const [again, first] = relayout ? [run, other] : [other, run];
  const layers = new Set(first.series.map(({ layer }) => layer));
  return again.series.length > 0 && again.series.every(({ layer }) => layers.has(layer))
    ? other
    : null;
}

/** Common prefix of the two layouts of one run. */
function trainingOf(run: string): string {
  return folderOf(folderOf(run).replace(/(^|\/)backwards$|^\.$/, ''));
}

/** The run that keeps the pictures of `run`: two layouts may have one probe between them. */
export function findProbeRun(runs: readonly RunEntry[], run: RunEntry): RunEntry | null {
  const probeRun = run.probe ? run : findOtherLayout(runs, run);
  return probeRun?.probe ? probeRun : null;
}
