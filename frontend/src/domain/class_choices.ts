// SPDX-License-Identifier: Apache-2.0
/** Lists the classes of a run and searches in them by name. */

import { plural } from '../util/format';
import { type Atlas, className, type Level } from '../wire/atlas';
import { findAttribution } from '../wire/attribution';
import { classMix } from './cell_stats';

/** Classes that are listed; a log may number more of them than it holds. */
const MAX_LISTED = 100_000;

export interface Choice {
  readonly index: number;
  readonly name: string;
  readonly note: string;
}

const listOf = new WeakMap<Atlas, readonly Choice[]>();

/** Every class of the run with its number of samples; computed once for each atlas. */
export function listClasses(atlas: Atlas): readonly Choice[] {
  let list = listOf.get(atlas);
  if (list === undefined) {
    list = countClasses(atlas);
    listOf.set(atlas, list);
  }
  return list;
}

function countClasses(atlas: Atlas): readonly Choice[] {
  const values = atlas.labels ?? atlas.predictions;
  const mix = values ? classMix(values, Int32Array.from(values.keys())) : [];
  const counts = new Map(mix.map(({ index, count }) => [index, count]));
  const attribution = findAttribution(atlas, atlas.levels[0] as Level);
  const known = typeof attribution === 'string' ? 0 : attribution.classes;
  const highest = mix.reduce((most, { index }) => Math.max(most, index + 1), known);
  const total = atlas.classes?.length ?? highest;
  // Without class names, only the numbers in the log say how many classes there are.
  return Array.from({ length: Math.min(total, MAX_LISTED) }, (_, index) => ({
    index,
    name: className(atlas, index),
    note: values === null ? '' : plural(counts.get(index) ?? 0, 'sample'),
  }));
}

/** Returns the choices whose name contains `search`; those that start with it come first. */
export function match<T extends { readonly name: string }>(
  choices: readonly T[],
  search: string,
): readonly T[] {
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return choices;
  const places = choices.map((choice) => ({
    choice,
    at: choice.name.toLowerCase().indexOf(wanted),
  }));
  const begins = places.filter(({ at }) => at === 0);
  const holds = places.filter(({ at }) => at > 0);
  return [...begins, ...holds].map(({ choice }) => choice);
}
