// SPDX-License-Identifier: Apache-2.0
/** The samples nearest to the mean of a cell: by activation once it is loaded, by map position until then. */

import { type Activations, readActivations } from '../wire/activations';
import { asFailure, Failure, fetchActivations } from '../wire/api';
import type { Atlas, Level } from '../wire/atlas';
import { membersOf, nearestOnMap, smallest } from './cell_stats';

/** Activations are large; the atlas looked at and the one before it are enough. */
const CACHED_ATLASES = 2;

export interface Nearest {
  readonly samples: readonly number[];
  readonly by: 'activation' | 'map';
}

/** Time until a failed request is repeated, since every frame requests it. */
const RETRY_MS = 5_000;

const LOADING = 'Loading activations …';

export class NearestSamples {
  readonly #activations = new Map<Atlas, Activations | string>();
  readonly #found = new WeakMap<Level, Map<string, Nearest>>();

  constructor(private readonly arrived: () => void) {}

  /** The `limit` nearest members of a cell. Requests activations if `fetch` is set. */
  nearest(atlas: Atlas, level: Level, cell: number, limit: number, fetch: boolean): Nearest {
    const known = this.activations(atlas, fetch);
    const by = typeof known === 'object' ? 'activation' : 'map';
    const found = this.#found.get(level) ?? new Map<string, Nearest>();
    this.#found.set(level, found);
    const key = `${cell}/${limit}/${by}`;
    let nearest = found.get(key);
    if (nearest === undefined) {
      const members = membersOf(level, cell);
      const samples =
        typeof known === 'object'
          ? nearestByActivation(known, members, limit)
          : nearestOnMap(atlas.xy, members, limit);
      nearest = { samples, by };
      found.set(key, nearest);
    }
    return nearest;
  }

  /** Whether nothing is on its way. */
  get idle(): boolean {
    return ![...this.#activations.values()].includes(LOADING);
  }

  /** The activations of `atlas`, or why they are not here. Requests them if `fetch` is set. */
  activations(atlas: Atlas, fetch: boolean): Activations | string {
    const known = this.#activations.get(atlas);
    if (known === undefined) {
      if (fetch) void this.#load(atlas);
      return LOADING;
    }
    // The latest request is removed last.
    this.#activations.delete(atlas);
    this.#activations.set(atlas, known);
    return known;
  }

  async #load(atlas: Atlas): Promise<void> {
    this.#activations.set(atlas, LOADING);
    for (const older of [...this.#activations.keys()].slice(0, -CACHED_ATLASES)) {
      this.#activations.delete(older);
    }
    try {
      this.#activations.set(atlas, readActivations(atlas, await fetchActivations(atlas)));
    } catch (error) {
      const why = `Activations cannot be read: ${asFailure(error).message}`;
      this.#activations.set(atlas, why);
      if (error instanceof Failure) setTimeout(() => this.#forget(atlas, why), RETRY_MS);
    }
    this.arrived();
  }

  #forget(atlas: Atlas, why: string): void {
    if (this.#activations.get(atlas) === why) this.#activations.delete(atlas);
  }
}

/**
 * The `limit` members whose activation points most nearly the way of the members' mean, both taken
 * relative to the layer's mean, as the icons' own cosine is.
 */
export function nearestByActivation(
  activations: Activations,
  members: Int32Array,
  limit: number,
): number[] {
  const { width, values, mean } = activations;
  const target = new Float32Array(width);
  for (const sample of members) {
    for (let channel = 0; channel < width; channel++) {
      const value = (values[sample * width + channel] as number) - (mean[channel] as number);
      if (Number.isFinite(value)) target[channel] = (target[channel] as number) + value;
    }
  }
  const goal = { width, values: target, mean: new Float32Array(width) };
  return smallest(
    members,
    limit,
    (sample) =>
      -dot(activations, sample, goal, 0) / Math.sqrt(dot(activations, sample, activations, sample)),
  );
}

type Rows = Pick<Activations, 'width' | 'values' | 'mean'>;

/** Row `i` of `a` times row `j` of `b`, each from its mean. */
export function dot(a: Rows, i: number, b: Rows, j: number): number {
  const { width } = b;
  let sum = 0;
  for (let channel = 0; channel < width; channel++) {
    sum +=
      ((a.values[i * width + channel] as number) - (a.mean[channel] as number)) *
      ((b.values[j * width + channel] as number) - (b.mean[channel] as number));
  }
  return sum;
}
