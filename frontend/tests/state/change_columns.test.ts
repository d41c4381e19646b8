// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { beforeEach, describe, expect, it } from 'vitest';
import { NearestSamples } from '../../src/domain/nearest_samples';
import { cellsAsCsv } from '../../src/features/export/cells_csv';
import { CellTable } from '../../src/features/table/cell_table';
import { changesOf } from '../../src/state/change_columns';
import type { Session } from '../../src/state/session';
import { type State, Store } from '../../src/state/store';
import type { Level } from '../../src/wire/atlas';
import { attributionAtlas } from '../helpers/class_fixtures';
import { a, b, level, moved, series } from '../helpers/two_step_fixtures';
import { smallAtlas } from '../helpers/wire_builder';

const nearest = new NearestSamples(() => {});

let store: Store;
beforeEach(() => {
  store = new Store();
  store.set({ series, step: 40, atlas: b, other: a, shownLevel: 2 });
});

const change = (change: Partial<State>) => {
  store.set(change);
  return changesOf(store.state, b, level, nearest);
};

describe('changes of cells', () => {
  it('is nothing unless it is requested', () => {
    expect(change({})).toEqual({ columns: [], sentences: [] });
  });

  it('is how far the samples of each cell went', () => {
    const { columns, sentences } = change({ drift: 'on' });
    expect(columns.map(({ key, name, since }) => [key, name, since])).toEqual([
      ['moved', 'Samples moved', 10],
    ]);
    const [column] = columns;
    expect([...(column?.values ?? [])].map((value) => value > 0.5)).toEqual([false, true]);
    expect([0, 1].map((cell) => column?.significant(cell))).toEqual([false, true]);
    expect(sentences).toEqual(['1 of 2 cells moved more than the noise floor since step 10.']);
  });

  it('is B minus A, and the number of cells only in A', () => {
    const { columns, sentences } = change({ compare: 10 });
    expect(columns.map(({ key, name }) => [key, name])).toEqual([['gain', 'Samples, B minus A']]);
    const [column] = columns;
    expect([...(column?.values ?? [])]).toEqual([-2, 2]);
    expect(column?.say(2)).toBe('+2');
    expect(sentences[0]).toContain('changed cell between step 10 and step 40');
    expect(sentences[0]).toContain('only in A.');
  });

  it('is both if both are requested, and the reason if there is nothing to show', () => {
    expect(change({ drift: 'on', compare: 10 }).columns.map(({ key }) => key)).toEqual([
      'moved',
      'gain',
    ]);
    const { columns, sentences } = change({ other: null });
    // The columns stay, for whoever has put rows in order by one.
    expect(columns.map(({ key }) => key)).toEqual(['moved', 'gain']);
    expect(columns.flatMap(({ values }) => [...values])).toEqual(Array(4).fill(Number.NaN));
    expect(columns.map(({ missing }) => missing)).toEqual(sentences);
    expect(sentences).toEqual(['Step 10 is loading …', 'Step 10 is loading …']);
  });

  it('is not reported for A, while that is shown', () => {
    const { columns, sentences } = change({ compare: 10, flipped: true });
    expect(columns[0]?.missing).toBe('A is shown: changes refer to B.');
    expect(sentences).toEqual(['A is shown: changes refer to B.']);
  });

  it('leaves out attribution that is not known, which the map draws as none', () => {
    const now = { ...attributionAtlas(), step: 40, series: 's1' };
    const was = { ...attributionAtlas(), step: 10, series: 's1' };
    store.set({ atlas: now, other: was, compare: 10, filter: 'toward:2' });
    const [column] = changesOf(store.state, now, now.levels[0] as Level, nearest).columns;
    expect([...(column?.values ?? [])]).toEqual([0, 0, Number.NaN, 0]);
  });

  it('is unknown where no floor was recorded', () => {
    const bare = { ...b, noiseFloor: null, levels: smallAtlas({}, moved).levels };
    store.set({ drift: 'on', atlas: bare });
    const [column] = changesOf(store.state, bare, bare.levels[0] as Level, nearest).columns;
    expect(column?.significant(0)).toBeNull();
  });
});

describe('the table', () => {
  const root = document.createElement('div');
  const pages = { icon: () => null };
  const table = new CellTable(() => show());
  const show = () => {
    const { state } = store;
    const session = { store, pages } as unknown as Session;
    const changes = changesOf(state, b, level, nearest);
    const [go, key] = [() => {}, () => {}];
    render(table.render({ state, session, atlas: b, level, changed: changes, go, key }), root);
  };
  const texts = (selector: string) =>
    [...root.querySelectorAll(selector)].map((one) => one.textContent?.replace(/\s+/g, ' ').trim());
  const head = (name: string) =>
    [...root.querySelectorAll<HTMLElement>('thead button')].find((one) =>
      one.textContent?.includes(name),
    ) as HTMLElement;

  it('has a column for each, which puts the rows in order until it goes', () => {
    store.set({ compare: 10 });
    show();
    expect(texts('.table-note')).toHaveLength(1);
    expect(texts('tbody td:nth-child(9)')).toEqual(['+2 significant', '−2 significant']);
    head('B minus A').click();
    expect(texts('tbody th')).toEqual(['row 1, column 2', 'row 1, column 1']);
    head('B minus A').click();
    expect(texts('tbody th')).toEqual(['row 1, column 1', 'row 1, column 2']);
    // The other step of another one is on its way.
    store.set({ other: null });
    show();
    expect(texts('tbody td:nth-child(9)')).toEqual(['–', '–']);
    store.set({ other: a });
    show();
    expect(texts('tbody th')).toEqual(['row 1, column 1', 'row 1, column 2']);
    expect(root.querySelector('[aria-sort]')?.textContent).toContain('B minus A');
    store.set({ compare: null });
    show();
    expect(texts('.table-note')).toEqual([]);
    expect(root.querySelector('[aria-sort]')?.textContent).toContain('Samples');
  });
});

describe('the file', () => {
  it('contains them', () => {
    const { columns } = change({ drift: 'on', compare: 10 });
    const [first, , second] = cellsAsCsv('r', b, level, columns)
      .split('\r\n')
      .map((line) => line.split(','));
    expect(first?.slice(-6)).toEqual([
      ...['"moved"', '"moved_since_step"', '"moved_is_significant"'],
      ...['"gain"', '"gain_since_step"', '"gain_is_significant"'],
    ]);
    expect(second?.slice(-5)).toEqual(['10', '1', '2', '10', '1']);
  });
});
