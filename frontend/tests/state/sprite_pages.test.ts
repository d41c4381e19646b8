// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SpritePages } from '../../src/state/sprite_pages';
import type { GridEntry } from '../../src/wire/manifest';

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

describe('icons of a grid', () => {
  it('are requested once each, while they fit in the memory of the tab', () => {
    const fetched = vi.fn(() => new Promise(() => {}));
    vi.stubGlobal('fetch', fetched);
    const pages = new SpritePages();
    for (let turn = 0; turn < 3; turn++) {
      const set = pages.icons(atlas, level(12, 48, 42));
      expect(set).toMatchObject({ complete: false, failure: null });
    }
    expect(fetched).toHaveBeenCalledTimes(12);
  });

  it('are not requested if they would drive one another out of it', () => {
    const fetched = vi.fn(() => new Promise(() => {}));
    vi.stubGlobal('fetch', fetched);
    const set = new SpritePages().icons(atlas, level(33, 96, 21));
    expect(set.complete).toBe(true);
    expect(set.pages).toEqual(new Array(33).fill(null));
    expect(set.failure?.message).toContain('192 MiB');
    expect(fetched).not.toHaveBeenCalled();
  });
});
