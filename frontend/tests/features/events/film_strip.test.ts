// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { describeCell } from '../../../src/domain/cell_stats';
import { eventsOf, frameOf, sparklinePath } from '../../../src/domain/concept_history';
import { FilmStrip } from '../../../src/features/events/film_strip';
import { HighlightHistory, placesOf } from '../../../src/features/selection/highlight_by_step';
import type { AtlasMap } from '../../../src/map/atlas_map';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import type { CellContext } from '../../../src/ui/cell_view';
import type { Atlas, Level } from '../../../src/wire/atlas';
import type { RunEvent } from '../../../src/wire/series_history';
import { settle } from '../../helpers/fake_server';
import { smallAtlas, tensor } from '../../helpers/wire_builder';

const untrusted = '<img src=x onerror=alert(1)>';
const line = (id: number, name: string) => ({
  ...{ id, name, size: 3, top_class: 0, top_share: 0.67, born: 0, confidence: 1 },
  ...{ group: null, joined: null, left: null },
});

/** Concept 4 holds samples 0, 1 and 3; concept 5 sample 2. Cells: (0, 0) of 0, 1, 2 and (1, 1) of 3, 4. */
function atlasWithConcepts(step: number, ids = [4, 4, 5, 4, -1, -1], names = [4, 5]): Atlas {
  const atlas = smallAtlas(
    { step: 7, concepts: names.map((id) => line(id, id === 4 ? untrusted : 'other')) },
    { concepts: tensor('I32', new Int32Array(ids)) },
  );
  return { ...atlas, step, key: `s1/${step}` };
}

const event = (
  kind: RunEvent['kind'],
  step: number,
  before: number[],
  after: number[],
): RunEvent => ({
  ...{ step, kind, text: untrusted, score: 1, confidence: 1, beforeStep: step - 1, cell: null },
  ...{ before, after, samples: null, classes: null },
});

describe('a frame', () => {
  it('measures size, purity and the cell with most of it', () => {
    const frame = frameOf(atlasWithConcepts(7), 2, 4);
    expect(frame).toMatchObject({ samples: 3, topClass: 0, topShare: 0.67 });
    expect(frame.place).toEqual({ size: 2, row: 0, col: 0 });
    expect(frame.icon?.at).toEqual({ page: 0, x: 0, y: 0, side: 8 });
    expect(Object.keys(frame.icon?.of.level ?? {})).toEqual(['entry']);
  });

  it('is empty where the concept ended, and unknown where concepts were not tracked', () => {
    expect(frameOf(atlasWithConcepts(7), 2, 9)).toMatchObject({ samples: 0, place: null });
    expect(frameOf(smallAtlas(), 2, 4)).toMatchObject({ samples: null, place: null });
    expect(frameOf(atlasWithConcepts(7), 4, 4)).toMatchObject({
      samples: 3,
      place: null,
      icon: null,
    });
  });
});

it('events are those that the concept had a part in', () => {
  const events = [
    event('born', 3, [], [4]),
    event('splits', 9, [4], [4, 6]),
    event('dies', 9, [5], []),
  ];
  const own = eventsOf(events, 4);
  expect([...own.keys()]).toEqual([3, 9]);
  expect(own.get(9)?.map(({ kind }) => kind)).toEqual(['splits']);
});

it('a path ends where nothing is known', () => {
  expect(sparklinePath([0, 10, null, 5], 10, 60, 40)).toBe('M30.0 40.0h0L90.0 0.0M210.0 20.0h0');
  expect(sparklinePath([null, null], 0, 60, 40)).toBe('');
  expect(sparklinePath([0], 0, 60, 40)).toBe('M30.0 40.0h0');
});

const series = {
  ...{ id: 's1', layer: 'layer3', steps: [7, 8, 9, 10], wallTimes: [1, 2, 3, 4] },
  ...{ versions: ['a', 'b', 'c', 'd'], shortcuts: [] },
};
const atlases = new Map([
  [7, atlasWithConcepts(7)],
  [8, atlasWithConcepts(8, [5, 5, 5, 4, 4, -1])],
  [9, atlasWithConcepts(9, [5, 5, 5, -1, -1, -1], [5])],
]);
let store: Store;
let session: Session;
let map: AtlasMap;
let gone: unknown[];
let requests: number[];
let icons: string[];
let root: HTMLElement;
beforeEach(() => {
  store = new Store();
  store.set({
    atlas: atlasWithConcepts(7),
    series,
    step: 7,
    shownLevel: 2,
    pinned: { size: 2, row: 0, col: 0 },
  });
  [gone, requests, icons] = [[], [], []];
  session = {
    store,
    pages: {
      icon: ({ key }: { key: string }) => {
        icons.push(key);
        return null;
      },
    },
    loadAtlas: async (_: unknown, step: number) => {
      requests.push(step);
      const atlas = atlases.get(step);
      if (!atlas) throw new Error('torn');
      return atlas;
    },
    chooseStep: (step: number) => gone.push(step),
  } as unknown as Session;
  map = { flyTo: (camera: unknown) => gone.push(camera) } as unknown as AtlasMap;
  root = document.createElement('div');
  document.body.replaceChildren(root);
});

async function waitForSteps(show: () => void, steps: number): Promise<void> {
  show();
  for (let i = 0; i < steps; i++) await settle();
}

describe('the strip', () => {
  let strip: FilmStrip;
  const show = () => {
    const { state } = store;
    const atlas = state.atlas as Atlas;
    const level = atlas.levels[0] as Level;
    const { row, col } = state.pinned ?? { row: 0, col: 0 };
    const facts = describeCell(atlas, level, row, col);
    render(strip.render({ state, session, atlas, level, facts } as unknown as CellContext), root);
  };
  beforeEach(() => {
    strip = new FilmStrip(session, map, show);
  });
  const frames = () => [...root.querySelectorAll<HTMLButtonElement>('.frame')];

  it('has one frame a step, each read in turn, with damage reported', async () => {
    store.set({ history: { events: [event('dies', 9, [4], [])] } as never });
    await waitForSteps(show, 6);
    expect(requests).toEqual([7, 8, 9, 10]);
    expect(frames().map((one) => one.getAttribute('aria-label'))).toEqual([
      `Step 7: 3 samples, cat 67%`,
      `Step 8: 2 samples, cat 67%`,
      'Step 9: no samples, Ended',
      'Step 10: torn',
    ]);
    expect(root.querySelector('.film')?.getAttribute('aria-label')).toContain(untrusted);
    expect(root.querySelector('img')).toBeNull();
    expect(frames()[0]?.getAttribute('aria-current')).toBe('step');
    expect(frames()[2]?.querySelectorAll('.glyph')).toHaveLength(1);
    expect(root.textContent).toContain('at most 3');
    const [samples, shares] = root.querySelectorAll('.film-lines path');
    expect(samples?.getAttribute('d')).toMatch(/^M30.0 0.0h0L90.0 12.7L150.0 38.0$/);
    expect(shares?.getAttribute('d')).toMatch(/^M30.0 12.5h0L90.0 12.5$/);
  });

  it('leads to step and cell, and stays with its concept there', async () => {
    await waitForSteps(show, 6);
    frames()[1]?.click();
    expect(gone[0]).toBe(8);
    expect(store.state.pinned).toEqual({ size: 2, row: 1, col: 1 });
    store.set({ atlas: atlases.get(8) as Atlas, step: 8, pinned: { size: 2, row: 1, col: 1 } });
    await waitForSteps(show, 1);
    expect(root.querySelector('h3')?.textContent).toContain(untrusted);
    store.set({ pinned: { size: 2, row: 0, col: 0 } });
    await waitForSteps(show, 1);
    expect(root.querySelector('h3')?.textContent).toContain('other');
  });

  it('follows the highlighted concept if the cell holds some of it', async () => {
    store.set({ highlight: { ids: [5], name: 'other', event: null } });
    await waitForSteps(show, 1);
    expect(root.querySelector('h3')?.textContent).toContain('other');
    store.set({ highlight: { ids: [5], of: 'image', name: 'image 5', event: null } });
    await waitForSteps(show, 1);
    expect(root.querySelector('h3')?.textContent).toContain(untrusted);
  });

  it('requests the icons in view alone, and for nothing while the steps play', async () => {
    session.loadAtlas = async (_: unknown, step: number) => {
      requests.push(step);
      return atlasWithConcepts(step);
    };
    vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(110);
    store.set({ playing: true });
    await waitForSteps(show, 3);
    expect(requests).toEqual([]);
    store.set({ playing: false });
    await waitForSteps(show, 6);
    // A frame is 60 pixels wide.
    expect(new Set(icons)).toEqual(new Set(['s1/7', 's1/8']));
  });

  it('is not where there is one step, or no concept', () => {
    store.set({ series: { ...series, steps: [7] } });
    show();
    expect(root.querySelector('.film')).toBeNull();
    store.set({ series, atlas: smallAtlas() });
    show();
    expect(root.querySelector('.film')).toBeNull();
  });
});

describe('the highlight', () => {
  const image = { ids: [10, 13, 15], of: 'image', name: untrusted, event: null } as const;

  it('is in cells, or in none', () => {
    const found = placesOf(atlasWithConcepts(7), 2, image);
    expect(found).toMatchObject({ samples: 3, cells: 2, outside: 1 });
    expect(found.list.map(({ row, col, top }) => [row, col, top])).toEqual([
      ...[
        [0, 0, 'cat'],
        [1, 1, 'ship'],
      ],
    ]);
    expect(placesOf(atlasWithConcepts(7), 9, image)).toMatchObject({ cells: 0, outside: 3 });
  });

  it('lists every step, and each position leads there', async () => {
    store.set({ highlight: image });
    const places = new HighlightHistory(session, map, () =>
      render(places.render(store.state), root),
    );
    await waitForSteps(() => render(places.render(store.state), root), 6);
    const lines = [...root.querySelectorAll('tbody tr')].map((one) =>
      one.textContent?.replace(/\s+/g, ' ').trim(),
    );
    expect(lines[0]).toBe('7 row 1, column 1 cat row 2, column 2 ship 1 sample in no visible cell');
    expect(lines[3]).toBe('10 torn');
    expect(root.querySelector('img')).toBeNull();
    root.querySelectorAll<HTMLElement>('tr td .step-link')[1]?.click();
    expect(gone[0]).toBe(7);
    expect(store.state.pinned).toEqual({ size: 2, row: 1, col: 1 });
    store.set({ highlight: null });
    render(places.render(store.state), root);
    expect(root.querySelector('table')).toBeNull();
  });
});
