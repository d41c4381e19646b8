// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toggleOutlines } from '../../src/state/outlines';
import { toggleSimilar } from '../../src/state/pins';
import { showsOutlines } from '../../src/state/slices/view';
import { Store } from '../../src/state/store';
import { drawAtlas } from '../helpers/concept_fixtures';
import { smallAtlas } from '../helpers/wire_builder';

let store: Store;
beforeEach(() => {
  vi.useFakeTimers();
  store = new Store();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('borders and names of concepts', () => {
  it('come with the color of concepts, unless switched', () => {
    expect(showsOutlines({ color: 'icons', outlines: '' })).toBe(false);
    expect(showsOutlines({ color: 'concept', outlines: '' })).toBe(true);
    expect(showsOutlines({ color: 'concept', outlines: 'off' })).toBe(false);
    expect(showsOutlines({ color: 'class', outlines: 'on' })).toBe(true);
  });

  it.each(['icons', 'concept'] as const)('are switched on and off with color %s', (color) => {
    store.set({ atlas: drawAtlas(['ab', 'ab']).atlas, color });
    const before = showsOutlines(store.state);
    toggleOutlines(store);
    expect(showsOutlines(store.state)).toBe(!before);
    expect(store.state.said).toBe(`Borders and names of concepts ${before ? 'hidden' : 'shown'}`);
    toggleOutlines(store);
    expect(showsOutlines(store.state)).toBe(before);
    // So that they follow the color again.
    expect(store.state.outlines).toBe('');
  });

  it('say why there are none', () => {
    store.set({ atlas: smallAtlas() });
    toggleOutlines(store);
    expect(store.state.outlines).toBe('');
    expect(store.state.notice).toBe('Concepts were not tracked in this atlas.');
  });
});

describe('similar cells', () => {
  const place = { size: 2, row: 0, col: 1 };

  it('are those of the pinned cell', () => {
    store.set({ pinned: place });
    toggleSimilar(store);
    expect(store.state.similar).toBe(true);
    toggleSimilar(store);
    expect(store.state).toMatchObject({ similar: false, pinned: place });
  });

  it('pin the cell under the cursor if none is', () => {
    store.set({ hover: place });
    toggleSimilar(store);
    expect(store.state).toMatchObject({ similar: true, pinned: place, hover: null });
  });

  it('take the place of a highlight', () => {
    store.set({ pinned: place, highlight: { ids: [1], name: 'a', event: null } });
    toggleSimilar(store);
    expect(store.state.highlight).toBeNull();
  });

  it('need a cell', () => {
    toggleSimilar(store);
    expect(store.state).toMatchObject({
      similar: false,
      notice: 'Pin a cell to see similar ones.',
    });
  });
});
