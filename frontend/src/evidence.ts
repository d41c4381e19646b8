// SPDX-License-Identifier: Apache-2.0
/** The real samples nearest to a cell's mean: by activation once those are here, by map until then. */

import { type Activations, nearestByActivation, readActivations } from './activations';
import { fetchActivations } from './api';
import type { Atlas, Level } from './atlas';
import { membersOf, nearestOnMap } from './cells';

/** Activations are large; the atlas looked at and the one before it are enough. */
const KEPT_ATLASES = 2;

export interface Nearest {
  readonly samples: readonly number[];
  readonly by: 'activation' | 'map';
}

type Known = Activations | 'loading' | 'failed';

export class Evidence {
  readonly #activations = new Map<Atlas, Known>();
  readonly #found = new WeakMap<Level, Map<string, Nearest>>();

  constructor(private readonly arrived: () => void) {}

  /** The `limit` nearest members of a cell. Asks for activations when `fetch` allows it. */
  nearest(atlas: Atlas, level: Level, cell: number, limit: number, fetch: boolean): Nearest {
    const known = this.#activations.get(atlas);
    if (known === undefined && fetch) void this.#load(atlas);
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

  async #load(atlas: Atlas): Promise<void> {
    this.#activations.set(atlas, 'loading');
    for (const older of [...this.#activations.keys()].slice(0, -KEPT_ATLASES)) {
      this.#activations.delete(older);
    }
    try {
      const tensors = await fetchActivations(atlas.series, atlas.step);
      this.#activations.set(atlas, readActivations(atlas, tensors));
    } catch {
      this.#activations.set(atlas, 'failed');
    }
    this.arrived();
  }
}
