// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Selection, selectionOf } from '../../../src/domain/selection';
import { SearchController } from '../../../src/features/search/search_controller';
import { SelectionLists } from '../../../src/features/selection/selection_lists';
import type { AtlasMap } from '../../../src/map/atlas_map';
import { readSavedSelections, writeSavedSelections } from '../../../src/state/saved_selections';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import type { Atlas } from '../../../src/wire/atlas';
import type { RunEntry } from '../../../src/wire/manifest';
import { settle } from '../../helpers/fake_server';
import { smallAtlas } from '../../helpers/wire_builder';

const untrusted = '<img src=x onerror=alert(1)>';
const atlas: Atlas = { ...smallAtlas(), classes: [untrusted, '\u202egnp', 'ship'] };
const later: Atlas = { ...atlas, step: 9, key: 's1/9', xy: atlas.xy.map((at) => at / 2) };
const run: RunEntry = {
  id: 'r1',
  run: 'exp/atlas',
  probe: false,
  series: ['layer3', 'layer4'].map((layer, i) => ({
    id: `s${i + 1}`,
    layer,
    steps: [7, 9],
    wallTimes: [1, 2],
    versions: ['a', 'b'],
    shortcuts: [],
  })),
};

let store: Store;
let requests: string[];
let chosen: unknown[];
let map: HTMLElement;
let root: HTMLElement;
let part: SelectionLists;
const show = () => render(part.rail(store.state), root);

beforeEach(() => {
  localStorage.clear();
  store = new Store();
  store.set({
    ...{ phase: 'ready', atlas, run, runs: [run], series: run.series[0] ?? null, step: 7 },
    ...{ shownLevel: 2, selectionList: 'entered' },
  });
  requests = [];
  chosen = [];
  const session = {
    store,
    pages: { icon: () => null, thumbs: () => null, thumbFailure: () => null },
    loadAtlas: async (series: { id: string }, step: number) => {
      requests.push(`${series.id}/${step}`);
      if (series.id === 's2') throw new Error('torn');
      return step === 7 ? atlas : later;
    },
    chooseRun: (id: string) => chosen.push(id),
    chooseSeries: (id: string) => chosen.push(id),
    chooseStep: (step: number) => chosen.push(step),
  } as unknown as Session;
  map = Object.assign(document.createElement('div'), {
    flyTo: (camera: unknown) => chosen.push(camera),
    viewport: { width: 800, height: 440 },
  });
  map.tabIndex = 0;
  root = document.createElement('div');
  document.body.replaceChildren(map, root);
  part = new SelectionLists(session, map as unknown as AtlasMap, () => show());
  show();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const select = (...rows: number[]) => {
  store.set({ selection: selectionOf(store.state.atlas as Atlas, Int32Array.from(rows)) });
  show();
};
const button = (name: string) =>
  [...root.querySelectorAll('button')].find(
    (one) => (one.getAttribute('aria-label') ?? one.textContent?.trim()) === name,
  ) as HTMLButtonElement;
const submit = (value: string) => {
  const form = root.querySelector('form') as HTMLFormElement;
  (form.querySelector('input') as HTMLInputElement).value = value;
  form.dispatchEvent(new Event('submit', { cancelable: true }));
  show();
};
const savedNames = () =>
  [...root.querySelectorAll('[aria-label="Saved selections"] .name')].map((one) => one.textContent);

describe('the selection', () => {
  it('is counted, and its classes are', () => {
    select(0, 1, 2);
    const text = root.querySelector('.selection')?.textContent?.replace(/\s+/g, ' ') ?? '';
    expect(text).toContain('3 samples 50% of the map, selected at step 7');
    const bars = [...root.querySelectorAll('.bars li')].map((one) =>
      one.textContent?.replace(/\s+/g, ' ').trim(),
    );
    expect(bars).toEqual([`${untrusted} 67%`, 'gnp 33%']);
    expect(root.querySelector('img')).toBeNull();
    expect(root.querySelectorAll('.labeled-patches li')).toHaveLength(0);
    expect(root.textContent).toContain('The images of the probe are not in this run.');
  });

  it('is followed to every step, one request after the other', async () => {
    select(0, 1, 2);
    await settle();
    show();
    await settle();
    show();
    const lines = [...root.querySelectorAll('.course tbody tr')].map((one) =>
      one.textContent?.replace(/\s+/g, ' ').trim(),
    );
    expect(lines[0]).toBe('7 where they were selected 100% – –');
    expect(lines[1]).toMatch(/^9 100% 1\d% –$/);
    expect(root.querySelector('[aria-current=step]')?.textContent).toContain('7');
    const links = root.querySelectorAll<HTMLButtonElement>('.step-link');
    links[1]?.click();
    expect(chosen).toEqual([9]);
  });

  it('says why it is not in another layer, and cannot be taken away there', () => {
    select(0, 1);
    store.set({ atlas: { ...atlas, manifest: { ...atlas.manifest, layer: 'layer4' } } });
    show();
    expect(root.querySelector('.selection')?.textContent).toContain('It belongs to layer layer3.');
    expect(button('CSV').disabled).toBe(true);
    expect(root.querySelector('.course')).toBeNull();
  });

  it('is saved as files with its name', async () => {
    const files: { name: string; text: Promise<string> }[] = [];
    let blob: Blob | null = null;
    vi.stubGlobal('URL', {
      createObjectURL: (one: Blob) => {
        blob = one;
        return 'blob:x';
      },
      revokeObjectURL: () => {},
    });
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (
      this: HTMLAnchorElement,
    ) {
      files.push({ name: this.download, text: (blob as Blob).text() });
    });
    select(2);
    button('CSV').click();
    button('JSON').click();
    expect(files.map(({ name }) => name)).toEqual([
      ...['selection-layer3-step7.csv', 'selection-layer3-step7.json'],
    ]);
    expect(await files[0]?.text).toContain('"exp/atlas","layer3",7,2,12');
    expect(JSON.parse((await files[1]?.text) ?? '').samples).toHaveLength(1);
    expect(store.state.said).toBe('Saved selection-layer3-step7.json');
  });

  it('goes when it is cleared', () => {
    select(2);
    button('Clear').click();
    show();
    expect(store.state.selection).toBeNull();
    expect(root.querySelector('.selection')).toBeNull();
    expect(document.activeElement).toBe(map);
  });
});

describe('what is saved', () => {
  it('has a name that is suggested, and comes back with it', () => {
    select(3, 4);
    expect((root.querySelector('input[name=name]') as HTMLInputElement).value).toBe(
      'ship, 2 samples',
    );
    submit('my ships');
    expect(savedNames()).toEqual(['my ships']);
    expect(store.state).toMatchObject({
      said: 'Saved as my ships',
      selection: { name: 'my ships' },
    });
    store.set({ selection: null });
    show();
    root.querySelector<HTMLElement>('[aria-label="Saved selections"] .event')?.click();
    expect([...(store.state.selection as unknown as Selection).rows]).toEqual([3, 4]);
  });

  it('is called otherwise, or deleted', () => {
    select(3, 4);
    submit('a');
    submit('b');
    expect(savedNames()).toEqual(['a', 'b']);
    button('Rename b').click();
    show();
    const form = root.querySelectorAll('form')[1] as HTMLFormElement;
    (form.querySelector('input') as HTMLInputElement).value = 'a';
    form.dispatchEvent(new Event('submit', { cancelable: true }));
    show();
    expect(savedNames()).toEqual(['a', 'a (2)']);
    expect(store.state.said).toBe('Renamed to a (2)');
    button('Rename a').click();
    show();
    const leave = new KeyboardEvent('keydown', { key: 'Escape', bubbles: true });
    root.querySelectorAll('form')[1]?.querySelector('input')?.dispatchEvent(leave);
    show();
    expect(store.state.selectionList).toBe('entered');
    button('Delete a').click();
    show();
    expect(savedNames()).toEqual(['a (2)']);
    expect(readSavedSelections().map(({ name }) => name)).toEqual(['a (2)']);
  });

  it('leads to its layer', () => {
    const manifest = { ...atlas.manifest, layer: 'layer4' };
    writeSavedSelections([
      { ...selectionOf({ ...atlas, manifest }, Int32Array.of(1)), name: 'deep' },
    ]);
    store.set({ selectionList: false });
    store.set({ selectionList: 'shown' });
    show();
    root.querySelector<HTMLElement>('[aria-label="Saved selections"] .event')?.click();
    expect(chosen).toEqual(['s2']);
    expect(store.state.selection).toMatchObject({ name: 'deep' });
  });

  it('reports where it cannot be saved', () => {
    select(3);
    vi.stubGlobal('localStorage', {
      getItem: () => '',
      setItem: () => {
        throw new Error('full');
      },
    });
    submit('x');
    expect(root.querySelector('.fault')?.textContent).toContain('stores nothing');
    expect(store.state.said).toContain('stores nothing');
  });

  it('is found by the search', () => {
    writeSavedSelections([
      { ...selectionOf(atlas, Int32Array.of(1, 5)), name: `${untrusted} wheels` },
    ]);
    store.set({ finding: true, selectionList: false });
    const box = document.createElement('div');
    document.body.append(box);
    const find = new SearchController(
      { store } as unknown as Session,
      map as unknown as AtlasMap,
      () => render(find.stage(store.state), box),
    );
    render(find.stage(store.state), box);
    const input = box.querySelector('input') as HTMLInputElement;
    input.value = 'wheels';
    input.dispatchEvent(new Event('input'));
    const option = box.querySelector<HTMLElement>('[data-kind=selection]');
    expect(option?.textContent).toContain(`${untrusted} wheels`);
    expect(box.querySelector('img')).toBeNull();
    option?.click();
    expect(store.state).toMatchObject({ finding: false, selectionList: 'shown' });
    expect([...(store.state.selection as unknown as Selection).rows]).toEqual([1, 5]);
  });
});

describe('pins', () => {
  it('show the cell and lead to it', async () => {
    store.set({ pins: '2.0.0.7.s1,2.1.1.9.s1' });
    show();
    await settle();
    show();
    const pins = [...root.querySelectorAll('.pin')].map((one) =>
      one.textContent?.replace(/\s+/g, ' ').trim(),
    );
    expect(pins[0]).toBe(`${untrusted} 67% ⚑ 1 · row 1, column 1 2 × 2 · layer3 · step 7`);
    expect(requests.sort()).toEqual(['s1/7', 's1/9']);
    root.querySelectorAll<HTMLElement>('.pin')[1]?.click();
    expect(chosen[0]).toBe(9);
    expect(chosen[1]).toMatchObject({ x: 0.75, y: 0.75 });
    expect(store.state.pinned).toEqual({ size: 2, row: 1, col: 1 });
    button('Remove pin 1').click();
    expect(store.state.pins).toBe('2.1.1.9.s1');
  });

  it('say what cannot be shown', async () => {
    store.set({ pins: '2.0.0.7.s9,2.0.0.8.s1,2.0.0.7.s2,2.0.1.7.s1' });
    show();
    await settle();
    show();
    const pins = [...root.querySelectorAll<HTMLButtonElement>('.pin')];
    expect(pins.map((one) => one.querySelector('.name')?.textContent)).toEqual([
      ...['Not in this log', 'Not in this log', 'torn', 'Too few samples to draw'],
    ]);
    expect(pins.map(({ disabled }) => disabled)).toEqual([true, true, false, false]);
  });

  it('go to their layer', () => {
    store.set({ pins: '2.0.0.7.s2' });
    show();
    root.querySelector<HTMLElement>('.pin')?.click();
    expect(chosen.slice(0, 2)).toEqual(['s2', 7]);
  });
});

it('closes by Escape and returns the focus', () => {
  const leave = new KeyboardEvent('keydown', { key: 'Escape', bubbles: true });
  root.querySelector('aside')?.dispatchEvent(leave);
  expect(store.state.selectionList).toBe(false);
  expect(document.activeElement).toBe(map);
});
