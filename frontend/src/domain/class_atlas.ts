// SPDX-License-Identifier: Apache-2.0
/** Class atlases: the classes that they show, as recorded in their manifests. */

import type { Atlas } from '../wire/atlas';
import type { AtlasManifest, ClassAtlasEntry } from '../wire/generated/types';
import { checkClassAtlasEntry } from '../wire/generated/validators';
import { WireError } from '../wire/json_checks';

/** Why nothing is followed in them; also the tooltip of what is therefore not offered. */
export const NOT_FOLLOWED = 'The samples of a class atlas differ from step to step.';

/** Attribution for one class minus that for another, from left to right. */
export interface Axis {
  /** The classes at the left and at the right. */
  readonly left: string;
  readonly right: string;
  /** Logits of difference at the rims. */
  readonly reach: number;
  /** Trustworthiness of the vertical axis alone. */
  readonly trustworthiness: number | null;
}

export interface ClassAtlas {
  /** The layer of the samples. */
  readonly layer: string;
  /** One class or two, as the series names them: text of the log. */
  readonly names: readonly string[];
  /** The strongest of some samples is another class: too few were there of which it is not so. */
  readonly filled: boolean;
  /** Of two classes, else null. */
  readonly axis: Axis | null;
}

const stated = new WeakMap<Atlas, ClassAtlas | null>();

/** The classes of a class atlas; null for any other atlas, and for invalid data. */
export function classAtlasOf(atlas: Atlas): ClassAtlas | null {
  let found = stated.get(atlas);
  if (found === undefined) {
    found = read(atlas.manifest.fields);
    stated.set(atlas, found);
  }
  return found;
}

function read(manifest: AtlasManifest): ClassAtlas | null {
  const info: unknown = manifest.provenance.layer_info.class_atlas;
  try {
    checkClassAtlasEntry(info, 'class_atlas');
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
  const { layer, names, classes, rule } = info;
  if (names.length !== classes.length) return null;
  return { layer, names, filled: rule !== 'winner', axis: info.axis && readAxis(info.axis, info) };
}

function readAxis(
  axis: NonNullable<ClassAtlasEntry['axis']>,
  { classes, names }: ClassAtlasEntry,
): Axis | null {
  const [left, right] = [axis.left, axis.right].map((side) => names[classes.indexOf(side)]);
  const { reach, trustworthiness } = axis;
  return left === undefined || right === undefined || reach === 0
    ? null
    : { left, right, reach, trustworthiness };
}
