// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { nothing, render } from 'lit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FIT } from '../../../src/domain/camera';
import { highlightedRows } from '../../../src/domain/highlight';
import { ShortcutsController } from '../../../src/features/shortcuts/shortcuts_controller';
import type { AtlasMap } from '../../../src/map/atlas_map';
import type { Session } from '../../../src/state/session';
import { shortcutSeriesOf, toggleShortcuts } from '../../../src/state/shortcut_series';
import { Store } from '../../../src/state/store';
import { attributionAtlas } from '../../helpers/class_fixtures';
import { FakeServer, failure, json, settle, webp } from '../../helpers/fake_server';
import { searchJson, shortcutJson } from '../../helpers/shortcut_fixtures';

const series = {
  id: 's1',
  layer: 'layer3',
  steps: [0, 7, 9],
  wallTimes: [0, 1, 2],
  versions: ['a', 'b', 'c'],
  shortcuts: [7],
};
const run = { id: 'r1', run: 'warm/atlas', probe: true, series: [series] };
const atlas = attributionAtlas();

let store: Store;
let session: Session;
let map: AtlasMap;
let server: FakeServer;
let list: ShortcutsController;
let root: HTMLElement;
beforeEach(() => {
  server = new FakeServer();
  server.set('shortcuts', () => json(searchJson()));
  server.set('patches', () => webp());
  server.install();
  store = new Store();
  store.set({ runs: [run], run, series, step: 9, atlas, shownLevel: 2 });
  session = { store, chooseStep: vi.fn(), pages: { thumbs: () => null } } as unknown as Session;
  map = {
    viewport: { width: 840, height: 440 },
    flyTo: vi.fn(),
    focus: vi.fn(),
  } as unknown as AtlasMap;
  root = document.createElement('div');
  document.body.replaceChildren(root);
  list = new ShortcutsController(session, map, () => show());
  store.subscribe(() => show());
});
afterEach(() => vi.unstubAllGlobals());

const squeeze = (text: string | null | undefined) => (text ?? '').replace(/\s+/g, ' ').trim();
const text = (selector = 'aside') => squeeze(root.querySelector(selector)?.textContent);
const all = (selector: string) => [...root.querySelectorAll<HTMLElement>(selector)];
const show = () => {
  const { state } = store;
  render([list.toolbar(state), state.shortcut === '' ? nothing : list.rail(state)], root);
};
const button = (name: string) =>
  all('button').find((one) => squeeze(one.textContent) === name) as HTMLElement;
const open = async (shortcut = 'all') => {
  store.set({ shortcut });
  show();
  await settle();
};

describe('the button', () => {
  it('says how many are significant once the search is here', async () => {
    show();
    expect(all('button').map((one) => one.getAttribute('aria-label'))).toEqual(['Shortcuts']);
    expect(list.ready(store.state)).toBe(false);
    await settle();
    expect(all('button').map((one) => one.getAttribute('aria-label'))).toEqual([
      'Shortcuts: 1 significant',
    ]);
    expect(list.ready(store.state)).toBe(true);
    expect(server.requests).toEqual([
      'shortcuts?id=s1&step=7',
      'patches?id=s1&step=7&blob=1&v=0a1b2c3d',
    ]);
  });

  it('opens and closes the list', () => {
    show();
    all('button')[0]?.click();
    expect(store.state.shortcut).toBe('all');
    all('button')[0]?.click();
    expect(store.state.shortcut).toBe('');
  });

  it('is not there where nothing was searched, nor does its key do anything', () => {
    store.set({ series: { ...series, shortcuts: [] } });
    show();
    expect(all('button')).toEqual([]);
    toggleShortcuts(session);
    expect(store.state.shortcut).toBe('');
    expect(list.ready(store.state)).toBe(true);
  });

  it('finds the searches of a run in its other layout', () => {
    const bare = { ...series, id: 's2', shortcuts: [] };
    const back = { ...run, id: 'r2', run: 'warm/backwards/atlas', series: [bare] };
    store.set({ runs: [run, back], run: back, series: bare });
    expect(shortcutSeriesOf(store.state)?.id).toBe('s1');
  });
});

describe('the list', () => {
  it('shows the step, and the test in one sentence', async () => {
    await open();
    expect(text()).toContain('Searched at step 7, the last search so far, in 2,000 images.');
    expect(text('.event')).toBe(
      'cat Pasted at its position, this patch changed the prediction of 97% of images of other classes to “cat”; noise of the same color: 2.0%.',
    );
    expect(all('li[data-shortcut="7"] .rates .number').map((one) => one.textContent)).toEqual([
      '97%',
      '20%',
      '2.0%',
      '10%',
      '30%',
      '−3 … 96%',
    ]);
    expect(text('summary')).toBe('Tested and not significant (1)');
  });

  it('draws the way of the rate with a gap where it was not tried', async () => {
    await open();
    const [noise, rate] = all('li[data-shortcut="7"] path').map((one) => one.getAttribute('d'));
    expect(rate).toMatch(/^M3 12M93 3\.5/);
    expect(noise).toMatch(/^M3 20\.1M93 20\.6/);
    expect(root.querySelector('.spark')?.getAttribute('aria-label')).toBe(
      'Flip rate at step 0: 50%, step 7: 97%',
    );
    expect(root.querySelector('.spark circle')?.getAttribute('cx')).toBe('3');
  });

  it('opens one entry and shows its position', async () => {
    await open();
    all('.event')[0]?.click();
    await settle();
    expect(store.state.shortcut).toBe('7');
    expect(text('li[data-shortcut="7"]')).toContain('dog → cat');
    expect(text('li[data-shortcut="7"]')).toContain('.02 → .93');
    // Of its samples two lie in the first cell and three in the last.
    expect(text('li[data-shortcut="7"]')).toContain(
      'Nearest cell on the map, cosine .62: row 2, column 2 of 2 × 2 holds 3 of its 5 nearest samples.',
    );
    button('Show on map').click();
    expect(store.state.pinned).toEqual({ size: 2, row: 1, col: 1 });
    expect(map.flyTo).toHaveBeenCalledWith({ ...FIT, x: 0.75, y: 0.75 });
    const { highlight } = store.state;
    expect(highlight && [...highlightedRows(atlas, highlight)]).toEqual([30, 1, 2, 29, 28]);
    button('Show on map').click();
    expect(store.state).toMatchObject({ highlight: null, pinned: null });
    all('.event')[0]?.click();
    expect(store.state.shortcut).toBe('all');
  });

  it('goes to the step since when, if that is kept', async () => {
    await open();
    button('since step 0').click();
    expect(session.chooseStep).toHaveBeenCalledWith(0);
    server.set('shortcuts', () => json(searchJson({ found: [shortcutJson({ since: 3 })] })));
    list = new ShortcutsController(session, map, () => show());
    await open();
    expect(button('since step 3').hasAttribute('disabled')).toBe(true);
  });

  it('claims no place without samples, on another probe or in no visible cell', async () => {
    server.set('shortcuts', () => json(searchJson({ found: [shortcutJson({ samples: [] })] })));
    await open('7');
    expect(text()).toContain('Its position on the map is unknown.');
    server.set('shortcuts', () => json(searchJson({ found: [shortcutJson({ samples: [99] })] })));
    list = new ShortcutsController(session, map, () => show());
    await open('7');
    expect(text()).toContain('are in no visible cell of this grid');
    server.set('shortcuts', () => json(searchJson({ probe: 'bb' })));
    list = new ShortcutsController(session, map, () => show());
    await open('7');
    expect(text()).toContain('The map and this search use different probes.');
  });

  it('lights no sample of another probe', () => {
    const lit = { ids: [1], of: 'sample', name: '', event: null } as const;
    expect([...highlightedRows(atlas, { ...lit, probe: 'bb' })]).toEqual([]);
    expect([...highlightedRows(atlas, lit)]).toEqual([1]);
  });

  it('shows untrusted names as text, and stands in for those that are missing', async () => {
    const classes = ['<img src=x onerror=alert(1)>\u202e', ''];
    const found = [0, 1, 2].map((target) => shortcutJson({ id: target, target }));
    server.set('shortcuts', () => json(searchJson({ classes, found })));
    await open();
    expect(root.querySelector('img')).toBeNull();
    expect(all('.event strong').map((one) => one.textContent)).toEqual([
      '<img src=x onerror=alert(1)>',
      '(no name)',
      'class 2',
    ]);
  });

  it('says what was searched where nothing was found', async () => {
    server.set('shortcuts', () => json(searchJson({ found: [], patches: null, blobs: [] })));
    await open();
    expect(text()).toContain('No shortcut was found.');
    expect(text()).toContain('in 2,000 images. No small patch changed many predictions');
    expect(server.of('patches')).toEqual([]);
    expect(all('button')[0]?.getAttribute('aria-label')).toBe('Shortcuts: none significant');
  });

  it('says so before the first search, and where there is none at all', async () => {
    store.set({ step: 0 });
    await open();
    expect(text()).toContain('Not searched yet at this step.');
    button('First search: step 7').click();
    expect(session.chooseStep).toHaveBeenCalledWith(7);
    store.set({ series: { ...series, shortcuts: [] }, runs: [] });
    expect(text()).toContain('AtlasWriter(..., shortcuts=True)');
  });

  it('reports damage and requests again', async () => {
    server.set('shortcuts', () => failure(422, 'damaged', 'blob 0 is torn'));
    await open();
    expect(text()).toContain('The search at step 7 cannot be shown.');
    expect(text()).toContain('blob 0 is torn');
    server.set('shortcuts', () => json(searchJson()));
    button('Try again').click();
    await settle();
    expect(text('.event')).toContain('cat');
  });

  it('shows the figures without their patches', async () => {
    server.set('patches', () => failure(422, 'damaged', 'blob 1 is torn'));
    await open();
    expect(text()).toContain('The patches: blob 1 is torn');
    expect(text('.event')).toContain('97%');
    expect(list.ready(store.state)).toBe(true);
  });

  it('takes the focus when opened by a button, moves it, and returns it', async () => {
    show();
    await settle();
    store.set({ shortcut: 'all' });
    await settle();
    expect(document.activeElement).toBe(all('.event')[0]);
    all('details')[0]?.setAttribute('open', '');
    const press = (key: string) =>
      document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    press('ArrowDown');
    expect(document.activeElement).toBe(all('.event')[1]);
    press('Escape');
    expect(store.state.shortcut).toBe('');
    expect(map.focus).toHaveBeenCalled();
  });
});

describe('what is read out', () => {
  it('is the tally, then the sentence of what is opened', async () => {
    show();
    await settle();
    const before = store.state;
    store.set({ shortcut: 'all' });
    const listed = store.state;
    expect(list.announce(listed, before)).toBe('1 of 2 tested patches are significant, at step 7');
    store.set({ shortcut: '9' });
    expect(list.announce(store.state, listed)).toContain('to “dog”');
    expect(list.announce(store.state, store.state)).toBeNull();
    expect(list.announce(before, store.state)).toBeNull();
  });
});
