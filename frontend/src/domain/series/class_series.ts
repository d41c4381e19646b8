// SPDX-License-Identifier: Apache-2.0
/** Series of class atlases: `<layer> · <class>` or `<layer> · <class> / <class>`, next to the series of the layer. */

import type { RunEntry, SeriesEntry } from '../../wire/manifest';

/** Stands before the classes in the name of a series, and nowhere in theirs. */
export const OF = ' · ';

/** A layer and its class atlases; `own` is null if the atlas of the layer is in another run. */
export interface LayerGroup {
  readonly layer: string;
  readonly own: SeriesEntry | null;
  /** With what is left of the name without the layer's. */
  readonly classes: readonly { readonly series: SeriesEntry; readonly label: string }[];
}

/**
 * The series of a run by layer, as they are listed. The index contains only names, and a layer may have one
 * like that by chance: it counts as a class if the layer before the separator is listed, too, or if the run
 * holds only classes, and never if its atlas is not a class atlas.
 */
export function groupSeries(run: RunEntry, plain: SeriesEntry | null): readonly LayerGroup[] {
  const isClass = classTest(run);
  const groups = new Map<string, { own: SeriesEntry | null; classes: SeriesEntry[] }>();
  for (const series of run.series) {
    const isClassAtlas = series.id !== plain?.id && isClass(series);
    const layer = isClassAtlas ? layerOf(series.layer) : series.layer;
    const group = groups.get(layer) ?? { own: null, classes: [] };
    groups.set(layer, group);
    if (isClassAtlas) group.classes.push(series);
    else group.own = series;
  }
  return [...groups].map(([layer, { own, classes }]) => ({
    layer,
    own,
    classes: classes.map((series) => ({
      series,
      label: series.layer.slice(layer.length + OF.length),
    })),
  }));
}

/** Distinguishes class atlases from layers by their names. */
export function classTest(run: RunEntry): (series: SeriesEntry) => boolean {
  const names = new Set(run.series.map(({ layer }) => layer));
  return ({ layer }) => {
    const parent = layerOf(layer);
    return parent !== '' && (isAside(run) || names.has(parent));
  };
}

function layerOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf(OF)));
}

/** Whether `tensorboard-atlas class` wrote a run. */
export function isAside({ run }: RunEntry): boolean {
  return /(^|\/)atlas\/classes$/.test(run);
}
