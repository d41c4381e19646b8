// SPDX-License-Identifier: Apache-2.0
/** Picture pages of icons and of probe thumbnails, decoded and cached. */

import { Cache } from '../util/cache';
import { asFailure, Failure, fetchSheet, fetchThumbs } from '../wire/api';
import type { Atlas, Level } from '../wire/atlas';
import type { Page } from '../wire/manifest';
import type { Probe } from '../wire/probe';

const BUDGET_BYTES = 256 << 20;
const BYTES_PER_PIXEL = 4;
/** Icons of one grid that take more would drive one another out of the cache. */
const GRID_BYTES = 192 << 20;

export interface PageSet {
  /** In page order; null where a page is on its way or failed. */
  readonly pages: readonly (ImageBitmap | null)[];
  /** Nothing more will come. */
  readonly complete: boolean;
  readonly failure: Failure | null;
}

const NO_PAGES: PageSet = { pages: [], complete: true, failure: null };

export class SpritePages {
  readonly #pictures = new Cache<ImageBitmap>(
    BUDGET_BYTES,
    ({ width, height }) => width * height * BYTES_PER_PIXEL,
  );
  readonly #failures = new Map<string, Failure>();
  readonly #pending = new Set<string>();

  readonly #watchers = new Set<() => void>();

  /** `arrived` is called after each page that arrives or fails. */
  watch(arrived: () => void): void {
    this.#watchers.add(arrived);
  }

  /** Icons of a level; requests what is missing. */
  icons(atlas: Pick<Atlas, 'key' | 'series' | 'step'>, level: Pick<Level, 'entry'>): PageSet {
    const { pages, tile, columns } = level.entry;
    if (pages.length * ((tile ?? 0) * (columns ?? 0)) ** 2 * BYTES_PER_PIXEL > GRID_BYTES) {
      const failure = new Failure('damaged', 'They need more than 192 MiB of memory.', '');
      return { pages: pages.map(() => null), complete: true, failure };
    }
    return this.#all(pages, `sheet/${atlas.key}`, (page) =>
      fetchSheet(atlas.series, atlas.step, page),
    );
  }

  /** One page of a run's thumbnails, or null until it is here. */
  thumbs(run: string, probe: Probe, index: number): ImageBitmap | null {
    const page = probe.manifest.pages[index];
    if (page === undefined) return null;
    const set = this.#all([page], `thumbs/${run}`, () => fetchThumbs(run, page));
    return set.pages[0] ?? null;
  }

  /** Why thumbnails of a run are missing, if any are. */
  thumbFailure(run: string): Failure | null {
    for (const [key, failure] of this.#failures)
      if (key.startsWith(`thumbs/${run}/`)) return failure;
    return null;
  }

  /** Forgets failures, so that the next access requests again. */
  retry(): void {
    this.#failures.clear();
  }

  #all(
    pages: readonly Page[],
    prefix: string,
    fetch: (page: Page) => Promise<ImageBitmap>,
  ): PageSet {
    if (pages.length === 0) return NO_PAGES;
    let complete = true;
    let failure: Failure | null = null;
    const pictures = pages.map((page) => {
      const key = `${prefix}/${page.blob}/${page.crc32c}`;
      const failed = this.#failures.get(key);
      if (failed !== undefined) {
        failure = failed;
        return null;
      }
      const picture = this.#pictures.peek(key);
      if (picture === null) {
        complete = false;
        this.#fetch(key, () => fetch(page));
      }
      return picture;
    });
    return { pages: pictures, complete, failure };
  }

  #fetch(key: string, fetch: () => Promise<ImageBitmap>): void {
    if (this.#pending.has(key)) return;
    this.#pending.add(key);
    this.#pictures
      .load(key, fetch)
      .catch((error: unknown) => this.#failures.set(key, asFailure(error)))
      .finally(() => {
        this.#pending.delete(key);
        for (const arrived of this.#watchers) arrived();
      });
  }
}
