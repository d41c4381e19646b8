// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SpritePages } from '../../src/state/sprite_pages';
import type { GridEntry } from '../../src/wire/manifest';
import { webp } from '../helpers/fake_server';

const atlas = { key: 's1/7', series: 's1', step: 7 };

function level(pages: number, tile: number, columns: number) {
  const entry = {
    size: 160,
    tile,
    columns,
    pages: Array.from({ length: pages }, (_, blob) => ({ blob: blob + 3, crc32c: '00000000' })),
  } as unknown as GridEntry;
  return { entry };
}

afterEach(() => vi.unstubAllGlobals());

const all = (count: number) => [...new Array(count).keys()];

describe('icons of a grid', () => {
  it('are requested once each, while they fit in the memory of the tab', () => {
    const fetched = vi.fn(() => new Promise(() => {}));
    vi.stubGlobal('fetch', fetched);
    const pages = new SpritePages();
    for (let turn = 0; turn < 3; turn++) {
      const set = pages.icons(atlas, level(12, 48, 42), all(12));
      expect(set).toMatchObject({ complete: false, failure: null });
    }
    expect(fetched).toHaveBeenCalledTimes(12);
  });

  it('are requested only from the pages that are needed', async () => {
    const requested: (string | null)[] = [];
    vi.stubGlobal('fetch', async (request: string) => {
      const blob = new URLSearchParams(request.split('?')[1]).get('blob');
      requested.push(blob);
      return new Response('', { status: blob === '8' ? 404 : 500 });
    });
    const pages = new SpritePages();
    const arrived = new Promise<void>((resolve) => {
      let left = 2;
      pages.watch(() => (--left === 0 ? resolve() : undefined));
    });
    expect(pages.icons(atlas, level(12, 48, 42), [1, 5])).toMatchObject({ complete: false });
    await arrived;
    expect(requested).toEqual(['4', '8']);
    const set = pages.icons(atlas, level(12, 48, 42), [5]);
    expect(set).toMatchObject({ complete: true, failure: { status: 404 } });
    // Failed pages are null; the others have not been requested.
    expect(set.pages).toEqual(all(12).map((page) => (page === 1 || page === 5 ? null : undefined)));
    expect(pages.icons(atlas, level(12, 48, 42), [])).toMatchObject({
      complete: true,
      failure: null,
    });
  });

  it('stay in memory while they are in view, and those out of view go first', async () => {
    const fetched = vi.fn(async () => webp(2048, 2048));
    vi.stubGlobal('fetch', fetched);
    vi.stubGlobal('createImageBitmap', async () => ({ width: 2048, height: 2048 }));
    const pages = new SpritePages();
    const wide = level(24, 128, 16);
    const load = async (needed: readonly number[]) => {
      while (!pages.icons(atlas, wide, needed).complete)
        await new Promise<void>((resolve) => pages.watch(resolve));
      return pages.icons(atlas, wide, needed);
    };
    // 16 pages of 16 MiB fill the cache.
    for (let page = 2; page < 16; page++) await load([0, 1, page]);
    const { pages: held } = await load([0, 1, 16]);
    expect(held.map((page) => page !== undefined)).toEqual(
      all(24).map((page) => page !== 2 && page <= 16),
    );
    expect(fetched).toHaveBeenCalledTimes(17);
  });

  it('are not requested if they would drive one another out of it', () => {
    const fetched = vi.fn(() => new Promise(() => {}));
    vi.stubGlobal('fetch', fetched);
    const set = new SpritePages().icons(atlas, level(33, 96, 21), all(33));
    expect(set.complete).toBe(true);
    expect(set.pages).toEqual(new Array(33).fill(null));
    expect(set.failure?.message).toContain('192 MiB');
    expect(fetched).not.toHaveBeenCalled();
    expect(new SpritePages().icons(atlas, level(33, 96, 21), [3, 4]).complete).toBe(false);
    expect(fetched).toHaveBeenCalledTimes(2);
  });
});
