// SPDX-License-Identifier: Apache-2.0
/** The drift that the tab shows, as values and text, or the reason why there is none. */

import { explainUnpairing } from '../domain/comparison/atlas_pairs';
import { findSeriesA, isOtherSeries } from '../domain/comparison/compared_series';
import { type Drift, type DriftValues, findDrift, formatChange } from '../domain/comparison/drift';
import { findFalls, findTurns } from '../domain/comparison/drift_quantities';
import type { DriftQuantity } from '../domain/display_types';
import type { NearestSamples } from '../domain/nearest_samples';
import { shareLayout } from '../domain/series/relayout_runs';
import { count, percent, plural } from '../util/format';
import type { Atlas, Level } from '../wire/atlas';
import { nameReference, referenceOf, wantedStep } from './reference_step';
import type { State } from './store';

export interface QuantityText {
  /** Column name in exported files. */
  readonly key: 'moved' | 'turned' | 'fell';
  readonly name: string;
  /** Text before a value, and `unit` after it. */
  readonly did: string;
  readonly unit: string;
  readonly say: (value: number, most: number) => string;
  /** Verb of significant cells. */
  readonly significant: string;
  readonly than: string;
  /** Meaning of the colors. */
  readonly color: string;
}

export const QUANTITY_TEXT: Readonly<Record<DriftQuantity, QuantityText>> = {
  on: {
    key: 'moved',
    name: 'Map',
    did: 'Samples moved',
    unit: ' of the map width',
    say: percent,
    significant: 'moved',
    than: 'more than the noise floor',
    color: '',
  },
  activation: {
    key: 'turned',
    name: 'Activation',
    did: 'Activations changed by',
    unit: ' (1 − cosine)',
    say: formatChange,
    significant: 'changed',
    than: 'more than storage precision explains',
    color: "1 − cosine between a sample's activations at both steps, centered by the layer's mean",
  },
  attribution: {
    key: 'fell',
    name: 'Attribution',
    did: "Samples' top class fell",
    unit: ' ranks',
    say: formatChange,
    significant: 'changed top class',
    than: 'by more than two standard errors',
    color: 'By how many ranks the class with the highest attribution fell',
  },
};

/** Returns the text of the quantity that `state` shows. */
export function driftText({ drift }: State): QuantityText {
  return QUANTITY_TEXT[drift || 'on'];
}

export const NOT_ALIGNED = 'The two maps are not aligned: their coordinates cannot be compared.';
const OTHER_CHANNELS =
  'Two networks or layers have different channels: their activations cannot be compared.';

/** Whether coordinates mean the same on both maps. */
export function isAligned(a: Atlas, b: Atlas): boolean {
  return a.series === b.series || shareLayout(a, b);
}

/** Returns the reference atlas, or the reason why it is not available. */
export function referenceOr(state: State): Atlas | string {
  const step = wantedStep(state);
  if (step === null) return 'This is the first step: there is no earlier one to compare with.';
  if (findSeriesA(state) === null) return 'A is not in this log.';
  const { otherFailure } = state;
  const missing = otherFailure ? `cannot be read: ${otherFailure.message}` : 'is loading …';
  const name = nameReference(state);
  return referenceOf(state) ?? `${name.charAt(0).toUpperCase()}${name.slice(1)} ${missing}`;
}

/** Returns the drift of the cells of a level, or the reason why there is none. */
export function driftOf(
  state: State,
  atlas: Atlas,
  level: Level,
  nearest: NearestSamples,
): Drift | DriftValues | string {
  const other = referenceOr(state);
  if (typeof other === 'string') return other;
  const reason = explainUnpairing(other, atlas);
  if (reason !== null) return reason;
  if (state.drift === 'attribution') return findFalls(other, atlas, level);
  if (state.drift !== 'activation') {
    return isAligned(other, atlas) ? findDrift(other, atlas, level) : NOT_ALIGNED;
  }
  if (other.series !== atlas.series) return OTHER_CHANNELS;
  // Activations are not loaded for steps that an animation only passes through.
  const load = atlas === state.atlas;
  const [from, to] = [nearest.activations(other, load), nearest.activations(atlas, load)];
  if (typeof from === 'string') return from;
  return typeof to === 'string' ? to : findTurns(from, to, level);
}

/** "Samples moved 12% of the map width since step 400; 80% of them more than the noise floor." */
export function formatDriftSentence(
  state: State,
  value: number,
  most: number,
  when: string,
  share?: number | null,
): string {
  const { did, unit, than, say } = driftText(state);
  const said = say(value, most);
  const significant = share == null ? '' : `; ${percent(share)} of them ${than}`;
  return Number.isNaN(value)
    ? `${did}: not known.`
    : `${did} ${said}${unit} ${when}${significant}.`;
}

export function driftOfCell(
  state: State,
  { values, most, beyond }: DriftValues,
  cell: number,
): string {
  return formatDriftSentence(state, values[cell] as number, most, since(state), beyond?.[cell]);
}

/** "since step 400", "since A, step 400", or "since A, run b, step 400". */
function since(state: State): string {
  return `since ${state.compare === null ? '' : 'A, '}${nameReference(state)}`;
}

/** "12 of 80 cells moved more than the noise floor since step 400", for the legend and for screen readers. */
export function formatSignificantCells(state: State, { beyond, significant }: DriftValues): string {
  const { name, significant: did, than } = driftText(state);
  if (beyond === null) return `${name}, ${since(state)}: significance unknown`;
  return `${count(significant)} of ${plural(beyond.length, 'cell')} ${did} ${than} ${since(state)}`;
}

const TWO_RUNS = 'The noise floor is that of B since its previous step.';

/** The noise floor is measured between adjacent steps; over several steps, noise adds up. */
export function stepsBetween(state: State): string {
  const { series, step, compare } = state;
  if (isOtherSeries(state)) return TWO_RUNS;
  const at = (one: number | null) => series?.steps.indexOf(one ?? Number.NaN) ?? -1;
  const between = Math.abs(at(step) - at(compare)) - 1;
  if (compare === null || between < 1) return '';
  return `The noise floor is that of one step; ${plural(between, 'more step')} ${
    between === 1 ? 'lies' : 'lie'
  } between.`;
}
