// SPDX-License-Identifier: Apache-2.0
/** Atlases of what speaks for one class, or tells two apart: what they state of themselves. */

import type { Atlas } from '../wire/atlas';
import { asText, type Fields, WireError } from '../wire/json_reader';

/** Why nothing is followed in them; also the tooltip of what is therefore not offered. */
export const NOT_FOLLOWED = 'The samples of a class atlas differ from step to step.';

/** How far a place speaks for one class rather than another, from left to right. */
export interface Axis {
  /** The class that the left speaks for, and that of the right. */
  readonly left: string;
  readonly right: string;
  /** Logits of difference at the rims. */
  readonly reach: number;
  /** Trustworthiness of the vertical axis alone. */
  readonly trust: number | null;
}

export interface ClassAtlas {
  /** The layer that was asked. */
  readonly layer: string;
  /** One class or two, as the series names them: text of the log. */
  readonly names: readonly string[];
  /** The strongest of some samples is another class: too few were there of which it is not so. */
  readonly filled: boolean;
  /** Of two classes, else null. */
  readonly axis: Axis | null;
}

const MOST_CLASSES = 2;
const stated = new WeakMap<Atlas, ClassAtlas | null>();

/** What an atlas of classes says it is; null for every other, and for what says it wrongly. */
export function classAtlasOf(atlas: Atlas): ClassAtlas | null {
  let found = stated.get(atlas);
  if (found === undefined) {
    found = read(atlas.manifest.fields);
    stated.set(atlas, found);
  }
  return found;
}

function read(manifest: Fields): ClassAtlas | null {
  try {
    const info = manifest.object('provenance').object('layer_info').object('class_atlas');
    const names = info.list('names', MOST_CLASSES, asText);
    const classes = info.list('classes', MOST_CLASSES, (item) => item);
    if (names.length === 0 || names.length !== classes.length) return null;
    const axis = info.raw('axis') == null ? null : readAxis(info.object('axis'), classes, names);
    return { layer: info.text('layer'), names, filled: info.text('rule') !== 'winner', axis };
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}

function readAxis(
  axis: Fields,
  classes: readonly unknown[],
  names: readonly string[],
): Axis | null {
  const [left, right] = ['left', 'right'].map((side) => names[classes.indexOf(axis.raw(side))]);
  const reach = axis.number('reach');
  if (left === undefined || right === undefined || !(reach > 0)) return null;
  return { left, right, reach, trust: axis.numberOrNull('trust') };
}
