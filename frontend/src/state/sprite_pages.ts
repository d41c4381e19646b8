// SPDX-License-Identifier: Apache-2.0
/** Picture pages of icons and of probe thumbnails, decoded and cached. */

import type { IconPage } from '../domain/icon_sprites';
import { Cache } from '../util/cache';
import { asFailure, Failure, fetchSheet, fetchThumbs } from '../wire/api';
import type { Atlas, Level } from '../wire/atlas';
import type { Page } from '../wire/manifest';
import type { Probe } from '../wire/probe';

const BUDGET_BYTES = 256 << 20;
const BYTES_PER_PIXEL = 4;
/** Icons in one view that take more would drive one another out of the cache. */
const VIEW_BYTES = 192 << 20;

/** What names an atlas in requests. */
export type AtlasName = Pick<Atlas, 'key' | 'series' | 'step'>;

export interface PageSet {
  /** In page order. */
  readonly pages: readonly IconPage[];
  /** Of the pages that are needed, nothing more will come. */
  readonly complete: boolean;
  /** Why one of those is missing. */
  readonly failure: Failure | null;
}

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

  /** Icons of a level; of the pages that are `needed`, requests what is missing. */
  icons(atlas: AtlasName, level: Pick<Level, 'entry'>, needed: readonly number[]): PageSet {
    const { pages, tile, columns } = level.entry;
    if (needed.length * ((tile ?? 0) * (columns ?? 0)) ** 2 * BYTES_PER_PIXEL > VIEW_BYTES) {
      const failure = new Failure('damaged', 'They need more than 192 MiB; zoom in.', '');
      return { pages: pages.map(() => null), complete: true, failure };
    }
    return this.#collect(pages, needed, `sheet/${atlas.key}`, (page) =>
      fetchSheet(atlas.series, atlas.step, page),
    );
  }

  /** The page of one icon, or null until it is here. */
  icon(atlas: AtlasName, level: Pick<Level, 'entry'>, page: number): ImageBitmap | null {
    return this.icons(atlas, level, [page]).pages[page] ?? null;
  }

  /** One page of a run's thumbnails, or null until it is here. */
  thumbs(run: string, probe: Probe, index: number): ImageBitmap | null {
    const page = probe.manifest.pages[index];
    if (page === undefined) return null;
    const set = this.#collect([page], [0], `thumbs/${run}`, () => fetchThumbs(run, page));
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

  #collect(
    pages: readonly Page[],
    needed: readonly number[],
    prefix: string,
    fetch: (page: Page) => Promise<ImageBitmap>,
  ): PageSet {
    const keys = pages.map(({ blob, crc32c }) => `${prefix}/${blob}/${crc32c}`);
    const pictures = keys.map((key) =>
      this.#failures.has(key) ? null : (this.#pictures.peek(key) ?? undefined),
    );
    // Used last, so that pages out of view leave the cache before them.
    const missing = needed.filter(
      (page) => pictures[page] !== null && this.#pictures.peek(keys[page] as string) === null,
    );
    for (const page of missing) this.#fetch(keys[page] as string, () => fetch(pages[page] as Page));
    const failed = needed.find((page) => pictures[page] === null);
    return {
      pages: pictures,
      complete: missing.length === 0,
      failure: failed === undefined ? null : (this.#failures.get(keys[failed] as string) ?? null),
    };
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
