// SPDX-License-Identifier: Apache-2.0
/** Loads values of many steps, one after the other, while a panel shows them. */

import { asFailure, type Failure } from '../wire/api';
import type { Atlas } from '../wire/atlas';
import type { SeriesEntry } from '../wire/manifest';
import type { Session } from './session';

export type DriftValues<T> = ReadonlyMap<number, T | Failure>;

/** Keeps only what `read` returns for each step: atlases are large. */
export class StepSeriesLoader<T> {
  #key: unknown = null;
  #series: SeriesEntry | null = null;
  #known = new Map<number, T | Failure>();
  #busy = false;

  constructor(
    private readonly session: Session,
    private readonly arrived: () => void,
  ) {}

  /** Loaded values of `steps`; requests the first that is missing. Another `key` clears the cache. */
  read(
    key: unknown,
    series: SeriesEntry,
    steps: readonly number[],
    read: (atlas: Atlas) => T,
  ): DriftValues<T> {
    if (key !== this.#key || series !== this.#series) {
      this.#key = key;
      this.#series = series;
      this.#known = new Map();
    }
    const missing = steps.find((step) => !this.#known.has(step));
    if (missing !== undefined && !this.#busy) void this.#load(this.#known, series, missing, read);
    return this.#known;
  }

  async #load(
    known: Map<number, T | Failure>,
    series: SeriesEntry,
    step: number,
    read: (atlas: Atlas) => T,
  ): Promise<void> {
    this.#busy = true;
    known.set(step, await this.session.loadAtlas(series, step).then(read).catch(asFailure));
    this.#busy = false;
    this.arrived();
  }
}

/** At most `limit` of `steps`, evenly spread, with both ends and `wanted` among them. */
export function spread(
  steps: readonly number[],
  limit: number,
  wanted: readonly number[],
): readonly number[] {
  if (steps.length <= limit) return steps;
  const chosen = new Set(wanted.filter((step) => steps.includes(step)));
  // Not by how many are new: the others must stay the same when another step is wanted.
  const free = Math.max(2, limit - wanted.length);
  for (let i = 0; i < free; i++) {
    chosen.add(steps[Math.round((i * (steps.length - 1)) / (free - 1))] as number);
  }
  return steps.filter((step) => chosen.has(step));
}
