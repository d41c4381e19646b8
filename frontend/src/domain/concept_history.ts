// SPDX-License-Identifier: Apache-2.0
/** The history of one concept: its size, purity, and main cell at each step. */

import { percent } from '../util/format';
import { type Atlas, type Level, levelOf } from '../wire/atlas';
import type { History, RunEvent } from '../wire/series_history';
import { placeOf } from './cell_stats';
import { conceptsOf } from './concepts';
import type { CellPlace } from './display_types';
import { iconPlace } from './icon_sprites';
import { countIn, rowsOf } from './sample_rows';

export interface Frame {
  /** Samples of the concept: 0 if it does not exist at the step, null if concepts were not tracked. */
  readonly samples: number | null;
  readonly topClass: number | null;
  readonly topShare: number;
  /** The visible cell with most of its samples, on the requested grid. */
  readonly place: CellPlace | null;
  /** The sprite pages of its icon. */
  readonly icon: { readonly at: ReturnType<typeof iconPlace>; readonly of: IconSource } | null;
}

/** The parts of an atlas and a level that their icons need, without the large arrays. */
interface IconSource {
  readonly atlas: Pick<Atlas, 'key' | 'series' | 'step'>;
  readonly level: Pick<Level, 'entry'>;
}

const GONE = { topClass: null, topShare: 0, place: null, icon: null };

/** Returns the frame of the concept `id` in an atlas, on the grid of `size`. */
export function frameOf(atlas: Atlas, size: number, id: number): Frame {
  const list = conceptsOf(atlas);
  if (list === null) return { ...GONE, samples: null };
  const line = list.find((one) => one.id === id);
  const rows = rowsOf(atlas.concepts, [id]);
  if (line === undefined || rows.length === 0) return { ...GONE, samples: 0 };
  const level = levelOf(atlas, size);
  const counts = level ? countIn(level, rows) : new Int32Array();
  const cell = counts.reduce((best, of, i) => (of > (counts[best] ?? 0) ? i : best), -1);
  const { topClass, topShare } = line;
  const facts = { samples: rows.length, topClass, topShare };
  if (!level || cell < 0) return { ...GONE, ...facts };
  const { key, series, step } = atlas;
  return {
    ...facts,
    place: placeOf(level, cell),
    icon: {
      at: iconPlace(level, cell),
      of: { atlas: { key, series, step }, level: { entry: level.entry } },
    },
  };
}

/** "4.0% of the samples changed concept by events, 11% by churn."; empty where it is not known. */
export function describeChange(history: History | null, step: number | null): string {
  const { byEvents, byChurn } = history?.steps.get(step ?? Number.NaN)?.concepts ?? {};
  if (byEvents == null || byChurn == null) return '';
  return `${percent(byEvents)} of the samples changed concept by events, ${percent(byChurn)} by churn.`;
}

/** Events of the concept `id`, by step. */
export function eventsOf(events: readonly RunEvent[], id: number): Map<number, RunEvent[]> {
  const byStep = new Map<number, RunEvent[]>();
  for (const event of events) {
    if (!event.before.includes(id) && !event.after.includes(id)) continue;
    byStep.set(event.step, [...(byStep.get(event.step) ?? []), event]);
  }
  return byStep;
}

/** An SVG path through the values, with a gap at each unknown one; an isolated value is a dot. */
export function sparklinePath(
  values: readonly (number | null)[],
  most: number,
  width: number,
  height: number,
): string {
  let drawn = '';
  let before: number | null = null;
  values.forEach((value, i) => {
    if (value !== null) {
      const x = (i + 0.5) * width;
      const y = height * (1 - value / Math.max(most, Number.MIN_VALUE));
      const place = `${x.toFixed(1)} ${y.toFixed(1)}`;
      drawn += before === null ? `M${place}h0` : `L${place}`;
    }
    before = value;
  });
  return drawn;
}
