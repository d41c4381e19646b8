// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FIT } from '../../../src/domain/camera';
import { ORDERS, type Order, passing, rowsOfLevel, sortRows } from '../../../src/domain/cell_rows';
import { readFilter } from '../../../src/domain/class_filter';
import { NearestSamples } from '../../../src/domain/nearest_samples';
import { TableController } from '../../../src/features/table/table_controller';
import type { AtlasMap } from '../../../src/map/atlas_map';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import type { Activations } from '../../../src/wire/activations';
import type { Level } from '../../../src/wire/atlas';
import { attributionAtlas, COUNTS } from '../../helpers/class_fixtures';
import { blobEntry, smallAtlas, tensor } from '../../helpers/wire_builder';

const atlas = attributionAtlas();
const level = atlas.levels[0] as Level;
const rows = rowsOfLevel(atlas, level);
const cells = (order: Order, descending = true) =>
  sortRows(rows, ORDERS[order], descending).map(({ cell }) => cell);

describe('rows', () => {
  it('say what the cells hold', () => {
    expect(rows.map(({ row, col, count }) => [row, col, count])).toEqual([
      [0, 0, 10],
      [0, 1, 9],
      [1, 0, 8],
      [1, 1, 4],
    ]);
    expect(rows.map(({ top }) => [top?.index, top?.share])).toEqual([
      [0, 0.6],
      [1, 1],
      [0, 0.5],
      [2, 1],
    ]);
    // The strongest of either sign; NaN is none.
    expect(rows.map(({ attribution }) => attribution)).toEqual([
      { index: 0, value: 0.5 },
      { index: 0, value: -1 },
      { index: 1, value: 0.75 },
      { index: 1, value: -3 },
    ]);
    expect(rowsOfLevel(atlas, level)).toBe(rows);
  });

  it('do without labels and attribution', () => {
    const bare = { ...smallAtlas(), labels: null };
    const [first] = rowsOfLevel(bare, bare.levels[0] as Level);
    expect(first).toMatchObject({ top: null, attribution: null, cosine: 0.25, kind: 'inversion' });
  });

  it('are put in order, ties in reading order', () => {
    expect(cells('count')).toEqual([0, 1, 2, 3]);
    expect(cells('count', false)).toEqual([3, 2, 1, 0]);
    expect(cells('share')).toEqual([1, 3, 0, 2]);
    expect(cells('share', false)).toEqual([2, 0, 1, 3]);
    expect(cells('top', false)).toEqual([0, 2, 1, 3]);
    expect(cells('attribution')).toEqual([3, 1, 2, 0]);
    expect(cells('place', false)).toEqual([0, 1, 2, 3]);
  });

  it('with what is not known come last, either way', () => {
    const small = smallAtlas();
    const some = rowsOfLevel(small, small.levels[0] as Level);
    for (const descending of [true, false]) {
      expect(sortRows(some, ORDERS.cosine, descending).map(({ cosine }) => cosine)).toEqual([
        0.25,
        null,
      ]);
    }
  });

  it('are those that pass, with a class filter', () => {
    const passingCells = (filter: string, sign = '') =>
      passing(atlas, level, readFilter({ filter, sign })).rows.map(({ cell }) => cell);
    expect(passingCells('')).toEqual([0, 1, 2, 3]);
    expect(passingCells('top:0')).toEqual([0, 2]);
    expect(passingCells('toward:0')).toEqual([0, 2, 3]);
    expect(passingCells('toward:0', 'hurts')).toEqual([1]);
    // Where the question makes no sense nothing is hidden.
    expect(passingCells('toward:9')).toEqual([0, 1, 2, 3]);
  });
});

describe('the table', () => {
  let store: Store;
  let map: HTMLElement & { viewport: object; flyTo: ReturnType<typeof vi.fn> };
  let root: HTMLElement;
  let part: TableController;
  let known: Activations | string;
  beforeEach(() => {
    store = new Store();
    store.set({ atlas, step: 7, shownLevel: 2, table: true, camera: FIT });
    const pages = { icon: () => null };
    const session = { store, pages } as unknown as Session;
    const host = document.createElement('div');
    document.body.replaceChildren(host);
    const shadow = host.attachShadow({ mode: 'open' });
    map = Object.assign(document.createElement('div'), {
      viewport: { width: 840, height: 440 },
      flyTo: vi.fn(),
    });
    map.tabIndex = 0;
    root = document.createElement('div');
    shadow.append(map, root);
    const nearest = new NearestSamples(() => {});
    vi.spyOn(nearest, 'activations').mockImplementation(() => known);
    known = 'Loading activations …';
    part = new TableController(session, map as unknown as AtlasMap, () => show(), nearest);
    store.subscribe(() => show());
    show();
  });
  afterEach(() => vi.unstubAllGlobals());

  const show = () => render(part.stage(store.state), root);
  const find = <T extends HTMLElement>(selector: string) => root.querySelector<T>(selector) as T;
  const all = (selector: string) => [...root.querySelectorAll<HTMLElement>(selector)];
  const texts = (selector: string) =>
    all(selector).map((one) => one.textContent?.replace(/\s+/g, ' ').trim());
  const head = (name: string) =>
    all('thead button').find((one) => one.textContent?.includes(name)) as HTMLElement;
  const order = () => texts('tbody th');
  const sorts = () => all('[aria-sort]').map((one) => one.getAttribute('aria-sort'));

  it('shows each cell in a row', () => {
    expect(texts('h2')).toEqual(['4 cells of the 2 × 2 grid']);
    expect(texts('tbody tr:first-child > *')).toEqual([
      '',
      'row 1, column 1',
      '10 32%',
      '–',
      'No icon',
      'cat',
      '60%',
      'for cat +.50',
      'On the map',
    ]);
    expect(texts('tbody tr:nth-child(2) > *').at(-2)).toBe('against cat −1.00');
    expect(all('.pager')).toEqual([]);
    expect(COUNTS).toEqual([10, 9, 8, 4]);
  });

  it('is sorted by its heads, and says so', () => {
    expect(sorts()).toEqual(['descending']);
    head('Its share').click();
    expect(order()[0]).toBe('row 1, column 2');
    head('Its share').click();
    expect(sorts()).toEqual(['ascending']);
    expect(order()[0]).toBe('row 2, column 1');
    head('Top class').click();
    expect(sorts()).toEqual(['ascending']);
    expect(texts('tbody td:nth-child(6)')).toEqual(['cat', 'cat', 'dog', 'ship']);
  });

  it('pins a cell, and unpins it', () => {
    find('tbody .link').click();
    expect(store.state.pinned).toEqual({ size: 2, row: 0, col: 0 });
    expect(find('tbody .link').getAttribute('aria-pressed')).toBe('true');
    find('tbody .link').click();
    expect(store.state.pinned).toBeNull();
  });

  it('ranks cells by their cosine to the pinned one, where activations are here', () => {
    store.set({ pinned: { size: 2, row: 0, col: 0 } });
    expect(head('Cosine to pinned')).toBeUndefined();
    const direction = [[1, 0] as const, [0, 1] as const, [3, 1] as const, [-1, 0] as const];
    known = {
      ...{ width: 2, mean: new Float32Array(2), channels: 2, kind: 'float16' },
      ...{ axes: null, lostVariance: null },
      values: Float32Array.from(level.cellOf, (cell) => cell).reduce<Float32Array>(
        (values, cell, sample) => {
          values.set(direction[cell] ?? [0, 0], 2 * sample);
          return values;
        },
        new Float32Array(2 * atlas.count),
      ),
    };
    show();
    head('Cosine to pinned').click();
    expect(order()).toEqual([
      ...['row 2, column 1', 'row 1, column 2', 'row 2, column 2', 'row 1, column 1'],
    ]);
    const column = texts('tbody tr').map((line) => line?.match(/(-?[\d.]+|–) On the map/)?.[1]);
    expect(column).toEqual(['.95', '.00', '-1.00', '–']);
    // Without the column the order is that of all tables again.
    store.set({ pinned: null });
    expect(order()[0]).toBe('row 1, column 1');
  });

  it('shows a cell on the map', () => {
    find('[aria-label="Show row 1, column 2 on the map"]').click();
    expect(store.state).toMatchObject({ table: false, pinned: { size: 2, row: 0, col: 1 } });
    expect(map.flyTo).toHaveBeenCalledWith(expect.objectContaining({ x: 0.75, y: 0.25 }));
    expect(root.querySelector('table')).toBeNull();
  });

  it('holds only what passes a class filter', () => {
    store.set({ filter: 'top:0' });
    expect(texts('h2')).toEqual(['2 of 4 cells pass the class filter of the 2 × 2 grid']);
    expect(order()).toEqual(['row 1, column 1', 'row 2, column 1']);
  });

  it('turns pages of fifty', () => {
    const cell = Array.from({ length: 120 }, (_, i) => i);
    const ints = (values: number[]) => tensor('I32', new Int32Array(values));
    const many = smallAtlas(
      {
        samples: 120,
        blobs: [blobEntry('map', '0')],
        grids: [{ size: 20, cells: 120, tile: null, columns: null }],
      },
      {
        xy: tensor('F32', new Float32Array(240), 120, 2),
        image_ids: ints(cell),
        boxes: tensor('I32', new Int32Array(480), 120, 4),
        labels: ints(cell.map(() => 0)),
        'grid20.rows': ints(cell.map((i) => Math.floor(i / 20))),
        'grid20.cols': ints(cell.map((i) => i % 20)),
        'grid20.counts': ints(cell.map(() => 1)),
        'grid20.cell_of': ints(cell),
        'grid20.kind': tensor('U8', new Uint8Array(120)),
        'grid20.cosine': tensor('F32', new Float32Array(120).fill(Number.NaN)),
      },
    );
    store.set({ atlas: many, shownLevel: 20 });
    const pager = () => texts('.pager .number')[0];
    const [previous, next] = all('.pager button') as [HTMLButtonElement, HTMLButtonElement];
    expect([order().length, pager(), previous.disabled]).toEqual([50, '1–50 of 120', true]);
    next.click();
    next.click();
    expect([order().length, pager(), next.disabled]).toEqual([20, '101–120 of 120', true]);
    expect(order()[0]).toBe('row 6, column 1');
    head('Samples').click();
    expect(pager()).toBe('1–50 of 120');
    next.click();
    next.click();
    store.set({ atlas, shownLevel: 2 });
    expect(order()).toHaveLength(4);
  });

  it('shows untrusted names as text', () => {
    const classes = ['<img src=x onerror=alert(1)>', '\u202egnp', 'x'.repeat(10_000)];
    store.set({ atlas: { ...atlas, classes } });
    expect(root.querySelector('img')).toBeNull();
    const named = texts('tbody td:nth-child(6)');
    expect(named.slice(0, 2)).toEqual(['<img src=x onerror=alert(1)>', 'gnp']);
    expect(named[3]).toHaveLength(40);
  });

  it('keeps its own keys and hands on those of the map', () => {
    const heard: string[] = [];
    map.addEventListener('keydown', ({ key }) => heard.push(key));
    const press = (key: string) => {
      const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true });
      find('.table-body').dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(['ArrowDown', ' ', 'Enter', '+', '2', 'Home'].map(press)).toEqual(Array(6).fill(false));
    expect(['t', '/', ',', '?', 'Escape'].map(press)).toEqual(Array(5).fill(true));
    expect(heard).toEqual(['t', '/', ',', '?', 'Escape']);
  });

  it('takes the focus from a map that it covers, and returns it', () => {
    vi.stubGlobal('requestAnimationFrame', (call: () => void) => call());
    store.set({ table: false });
    expect(map.inert).toBe(false);
    map.focus();
    store.set({ table: true });
    show();
    expect(map.inert).toBe(true);
    find('.table-body').focus();
    store.set({ table: false });
    expect((map.getRootNode() as ShadowRoot).activeElement).toBe(map);
  });
});
