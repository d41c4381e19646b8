// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FIT } from '../../../src/domain/camera';
import type { Highlight } from '../../../src/domain/display_types';
import { highlightedRows } from '../../../src/domain/highlight';
import { SearchController } from '../../../src/features/search/search_controller';
import { highlightPill, highlightSentence } from '../../../src/features/selection/highlight_pill';
import type { AtlasMap } from '../../../src/map/atlas_map';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import { smallAtlas, tensor } from '../../helpers/wire_builder';

const logged = smallAtlas(
  {
    concepts: [
      {
        ...{ id: 4, name: 'night', size: 3, top_class: 0, top_share: 1, born: 0, confidence: 1 },
        ...{ group: null, joined: null, left: null },
      },
    ],
  },
  {
    concepts: tensor('I32', new Int32Array([4, 4, 9, 9, 9, 4])),
    image_ids: tensor('I32', new Int32Array([10, 10, 12, 1, 1, 15])),
  },
);

const atlas = { ...logged, classes: ['<img src=x onerror=alert(1)>', '\u202egnp', ''] };

let store: Store;
let session: Session;
let map: {
  getRootNode: () => Node;
  viewport: object;
  flyTo: ReturnType<typeof vi.fn>;
  focus: ReturnType<typeof vi.fn>;
};
let part: SearchController;
let root: HTMLElement;
beforeEach(() => {
  store = new Store();
  store.set({ atlas, step: 7, shownLevel: 2, finding: true, highlight: null, camera: FIT });
  session = { store } as unknown as Session;
  map = {
    getRootNode: () => document,
    viewport: { width: 840, height: 440 },
    flyTo: vi.fn(),
    focus: vi.fn(),
  };
  root = document.createElement('div');
  document.body.replaceChildren(root);
  part = new SearchController(session, map as unknown as AtlasMap, () => show());
  show();
});

const show = () => render(part.stage(store.state), root);
const box = () => root.querySelector('input') as HTMLInputElement;
const options = () => [...root.querySelectorAll<HTMLElement>('[role=option]')];
const type = (search: string) => {
  box().value = search;
  box().dispatchEvent(new Event('input'));
};
const press = (key: string) => {
  const event = new KeyboardEvent('keydown', { key, cancelable: true });
  box().dispatchEvent(event);
  show();
  return event;
};

describe('the box', () => {
  it('has the focus at once and no list before something is typed', async () => {
    await Promise.resolve();
    expect(document.activeElement).toBe(box());
    expect(box().getAttribute('aria-expanded')).toBe('false');
    expect(box().hasAttribute('aria-activedescendant')).toBe(false);
    expect(root.querySelector<HTMLElement>('[role=listbox]')?.hidden).toBe(true);
    expect(box().getAttribute('aria-controls')).toBe('find-list');
  });

  it('names the option that the keys are at, round the ends', () => {
    type('#1');
    const ids = options().map(({ id }) => id);
    expect(ids).toEqual(['find-0', 'find-1', 'find-2', 'find-3']);
    const at = () => box().getAttribute('aria-activedescendant');
    expect([at(), box().getAttribute('aria-expanded')]).toEqual(['find-0', 'true']);
    press('ArrowDown');
    expect(at()).toBe('find-1');
    expect(options().map((one) => one.getAttribute('aria-selected'))[1]).toBe('true');
    press('ArrowUp');
    press('ArrowUp');
    expect(at()).toBe('find-3');
    press('ArrowDown');
    expect(at()).toBe('find-0');
    press('PageDown');
    expect(at()).toBe('find-3');
    press('PageUp');
    expect(at()).toBe('find-0');
  });

  it('leaves letters and the caret to the browser', () => {
    type('#1');
    for (const key of ['t', '/', 'Home', 'End', 'ArrowLeft', 'Tab']) {
      expect(press(key).defaultPrevented).toBe(false);
    }
    type('nothing of the sort');
    expect(press('Enter').defaultPrevented).toBe(false);
    expect(press('ArrowDown').defaultPrevented).toBe(false);
    expect(root.textContent).toContain('No results.');
  });

  it('Escape closes it and returns the focus', () => {
    type('#1');
    press('Escape');
    expect(store.state.finding).toBe(false);
    expect(map.focus).toHaveBeenCalledOnce();
    expect(root.textContent?.trim()).toBe('');
  });

  it('closes when the focus goes elsewhere in the page, not with the window', () => {
    const leave = (relatedTarget: Element | null) =>
      box().dispatchEvent(new FocusEvent('focusout', { bubbles: true, relatedTarget }));
    leave(null);
    leave(root.querySelector('button'));
    expect(store.state.finding).toBe(true);
    leave(document.body);
    expect(store.state.finding).toBe(false);
  });

  it('says how many there are', () => {
    type('#1');
    expect(store.state.said).toBe('4 results');
    type('zebra');
    expect(store.state.said).toBe('Nothing found');
  });

  it('shows untrusted names as text', () => {
    type('<img');
    expect(root.querySelector('img')).toBeNull();
    expect(options()[0]?.textContent).toContain('<img src=x onerror=alert(1)>');
    type('gnp');
    expect(options()[0]?.querySelector('.name')?.textContent).toBe('gnp');
  });

  it('starts empty when it is opened again', () => {
    type('#1');
    store.set({ finding: false });
    show();
    store.set({ finding: true });
    show();
    expect(box().value).toBe('');
    expect(options()).toEqual([]);
  });
});

describe('the ways', () => {
  const choose = (search: string, kind: string) => {
    type(search);
    options()
      .find((one) => one.dataset.kind === kind)
      ?.click();
  };

  it('a class is filtered, and the highlight ends', () => {
    store.set({ highlight: { ids: [1], name: '', event: null } });
    choose('<img', 'class');
    expect(store.state).toMatchObject({ filter: 'top:0', highlight: null, finding: false });
    expect(map.flyTo.mock.calls[0]?.[0].x).toBeCloseTo(0.15);
  });

  it('a cell is pinned', () => {
    choose('2, 2', 'cell');
    expect(store.state.pinned).toEqual({ size: 2, row: 1, col: 1 });
    expect(store.state.said).toBe('Pinned: row 2, column 2');
    expect(map.flyTo).toHaveBeenCalledWith(expect.objectContaining({ x: 0.75, y: 0.75 }));
  });

  it('an image is highlighted with all its samples, at whatever step', () => {
    choose('image 10', 'image');
    const { highlight } = store.state;
    expect(highlight).toEqual({ ids: [10], name: 'image 10', event: null, of: 'image' });
    expect([...highlightedRows(atlas, highlight as Highlight)]).toEqual([0, 1]);
    const moved = { ...atlas, imageIds: Int32Array.of(1, 10, 2, 3, 10, 4), step: 40 };
    expect([...highlightedRows(moved, highlight as Highlight)]).toEqual([1, 4]);
  });

  it('a sample is highlighted alone, if its index exists', () => {
    choose('sample 3', 'sample');
    expect([...highlightedRows(atlas, store.state.highlight as Highlight)]).toEqual([3]);
    const few = { ...atlas, count: 3 };
    expect([...highlightedRows(few, store.state.highlight as Highlight)]).toEqual([]);
  });

  it('a concept is highlighted with its members', () => {
    choose('nig', 'concept');
    expect(store.state.highlight).toEqual({ ids: [4], name: 'night', event: null });
    expect([...highlightedRows(atlas, store.state.highlight as Highlight)]).toEqual([0, 1, 5]);
  });

  it('samples are highlighted on the map, also from the table; classes leave it open', () => {
    store.set({ table: true });
    choose('<img', 'class');
    expect(store.state).toMatchObject({ table: true, filter: 'top:0' });
    store.set({ finding: true });
    show();
    choose('image 10', 'image');
    expect(store.state).toMatchObject({ table: false, highlight: { ids: [10] } });
  });

  it('the pill shows what is highlighted and where', () => {
    const level = atlas.levels[0];
    if (!level) throw new Error('no level');
    const lit: Highlight = { ids: [4], name: 'image 4', event: null, of: 'image' };
    render(highlightPill(atlas, level, lit, session), root);
    expect(root.textContent).toContain('image 4');
    expect(root.textContent).not.toContain('night');
    expect(root.querySelector('[role=group]')?.getAttribute('aria-label')).toBe(
      'Highlighted images',
    );
    expect(highlightSentence(atlas, level, { ...lit, ids: [10] })).toBe(
      '2 samples in 1 cell at step 7',
    );
    const untraced = { ...atlas, concepts: null };
    expect(highlightSentence(untraced, level, lit)).toBe('No samples at step 7.');
  });
});
