// SPDX-License-Identifier: Apache-2.0
/** The layers of a run as options of a list. */

import { classAtlasOf } from '../domain/class_atlas';
import { groupSeries } from '../domain/series/class_series';
import type { State } from '../state/store';
import type { Option } from './picker';

/** Every layer, and below it its class atlases. */
export function layerOptions({ run, series, atlas }: State): Option[] {
  if (run === null) return [];
  const known = atlas !== null && atlas.series === series?.id && classAtlasOf(atlas) === null;
  return groupSeries(run, known ? series : null).flatMap(({ layer, own, classes }) => [
    ...(own ? [{ value: own.id, label: layer }] : []),
    ...classes.map((one) => ({
      value: one.series.id,
      label: one.label || '(no name)',
      group: `Classes of ${layer}`,
      whole: one.series.layer,
    })),
  ]);
}
