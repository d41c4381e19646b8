// SPDX-License-Identifier: Apache-2.0
/** Class atlases, and runs that hold them. */

import type { Atlas } from '../../src/wire/atlas';
import type { RunEntry, SeriesEntry } from '../../src/wire/manifest';
import { smallAtlas, smallProvenance } from './wire_builder';

export const AXIS = { left: 1, right: 0, reach: 0.1594, trustworthiness: 0.8167 };

/** The small atlas as one of cats; `change` is what it states otherwise. */
export function classAtlas(change: Record<string, unknown> = {}, notes: string[] = []): Atlas {
  const stated = {
    layer: 'stage3',
    classes: [0],
    names: ['cat'],
    rule: 'winner',
    axis: null,
    ...change,
  };
  const provenance = smallProvenance({ settings: {}, notes, layer_info: { class_atlas: stated } });
  return smallAtlas({ layer: 'stage3 · cat', provenance });
}

/** The same of cats and dogs: right is for cat. */
export function pairAtlas(change: Record<string, unknown> = {}, notes: string[] = []): Atlas {
  return classAtlas({ classes: [0, 1], names: ['cat', 'dog'], axis: AXIS, ...change }, notes);
}

export function runOf(name: string, ...layers: string[]): RunEntry {
  const series = layers.map(
    (layer): SeriesEntry => ({
      id: `${name}: ${layer}`,
      layer,
      steps: [3, 7],
      wallTimes: [0, 1],
      versions: ['a', 'b'],
      shortcuts: [],
    }),
  );
  return { id: `id of ${name}`, run: name, probe: true, series };
}
