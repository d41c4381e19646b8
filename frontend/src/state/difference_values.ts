// SPDX-License-Identifier: Apache-2.0
/** The difference of two steps as values and text, or the reason why there is none. */

import { NOT_FOLLOWED } from '../domain/class_atlas';
import { readFilter } from '../domain/class_filter';
import { explainUnpairing } from '../domain/comparison/atlas_pairs';
import { isOtherSeries } from '../domain/comparison/compared_series';
import {
  type Difference,
  findAttributionChange,
  findDifference,
} from '../domain/comparison/difference';
import { noGrid } from '../domain/comparison/drift_quantities';
import { count, plural, shorten } from '../util/format';
import { type Atlas, className, type Level, levelOf } from '../wire/atlas';
import { isAligned, NOT_ALIGNED, referenceOr } from './drift_values';
import { nameReference } from './reference_step';
import type { State } from './store';

const LONGEST_NAME = 40;

/** B minus A on a level of B, or why it is unknown. */
export function differenceOf(state: State, atlas: Atlas, level: Level): Difference | string {
  if (state.compare === atlas.step && !isOtherSeries(state)) {
    return 'A and B are the same step: select another one.';
  }
  if (state.drift !== '' && state.drift !== 'on') {
    return 'The difference is not shown while drift is shown.';
  }
  const other = referenceOr(state);
  if (typeof other === 'string') return other;
  const reason = explainUnpairing(other, atlas);
  if (reason === NOT_FOLLOWED) return `${reason} Swipe and Blink show both.`;
  if (reason !== null) return reason;
  const same = levelOf(other, level.size);
  if (same === undefined) return noGrid(other, level);
  if (!isAligned(other, atlas)) return `${NOT_ALIGNED} Swipe and Blink show both.`;
  const { kind, classes } = readFilter(state);
  const [toward] = classes;
  const found =
    toward === undefined ? '' : findAttributionChange(other, same, atlas, level, toward);
  const samples = toward === undefined || (kind === 'top' && typeof found === 'string');
  return samples ? findDifference(other, same, atlas, level) : found;
}

export function differenceSentence(state: State, { moved, toward }: Difference): string {
  const { step, atlas } = state;
  const [a, b] = [nameReference(state), `step ${count(step ?? 0)}`];
  const since = isOtherSeries(state) ? `between A (${a}) and B (${b})` : `between ${a} and ${b}`;
  if (toward === null || !atlas) return `${plural(moved, 'sample')} changed cell ${since}`;
  const name = shorten(className(atlas, toward), LONGEST_NAME);
  return `Attribution toward ${name} changed ${since}, significantly in ${plural(moved, 'cell')}`;
}
