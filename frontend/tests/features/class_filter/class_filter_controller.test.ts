// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { nothing, render } from 'lit';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FIT } from '../../../src/domain/camera';
import { listClasses, match } from '../../../src/domain/class_choices';
import {
  applyFilter,
  type Filter,
  MOST_CLASSES,
  readFilter,
} from '../../../src/domain/class_filter';
import { ClassFilterController } from '../../../src/features/class_filter/class_filter_controller';
import type { AtlasMap } from '../../../src/map/atlas_map';
import type { OverlayFrame } from '../../../src/map/overlay';
import { drawFilter } from '../../../src/map/overlays/filter';
import { THEMES } from '../../../src/map/theme';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import type { CellContext } from '../../../src/ui/cell_view';
import type { Level } from '../../../src/wire/atlas';
import { attributionAtlas } from '../../helpers/class_fixtures';

const series = {
  id: 's1',
  layer: 'layer3',
  steps: [0, 7],
  wallTimes: [0, 1],
  versions: ['a', 'b'],
  shortcuts: [],
};
const atlas = attributionAtlas();
const level = atlas.levels[0] as Level;
const viewport = { width: 840, height: 440 };

let store: Store;
let session: Session;
let map: AtlasMap;
let filter: ClassFilterController;
let root: HTMLElement;
beforeEach(() => {
  store = new Store();
  store.set({ series, step: 7, atlas, shownLevel: 2, filterOpen: true });
  session = { store } as unknown as Session;
  map = { viewport, flyTo: vi.fn(), focus: vi.fn() } as unknown as AtlasMap;
  root = document.createElement('div');
  document.body.replaceChildren(root);
  filter = new ClassFilterController(session, map, () => panel());
});

const text = (selector = '*') =>
  (root.querySelector(selector)?.textContent ?? '').replace(/\s+/g, ' ').trim();
const all = (selector: string) => [...root.querySelectorAll<HTMLElement>(selector)];
const find = <T extends HTMLElement>(selector: string) => root.querySelector<T>(selector) as T;
const panel = () => render(filter.rail(store.state), root);
const legend = () => {
  render(filter.legend(store.state, atlas, level), root);
  return text('aside');
};
const press = (key: string) => {
  find('.picker input').dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }));
  panel();
};
const type = (search: string) => {
  find<HTMLInputElement>('.picker input').value = search;
  find('.picker input').dispatchEvent(new Event('input'));
};

describe('the picker', () => {
  it('lists every class with its samples, and has the focus at once', async () => {
    panel();
    await Promise.resolve();
    expect(all('[role=option]').map((one) => one.textContent?.replace(/\s+/g, ' ').trim())).toEqual(
      ['cat 10 samples', 'dog 15 samples', 'ship 6 samples'],
    );
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Find a class');
  });

  it('finds by letters, those that begin with them first', () => {
    const choices = ['scat', 'dog', 'Cat', 'cattle'].map((name, index) => ({
      index,
      name,
      note: '',
    }));
    expect(match(choices, ' cat').map(({ name }) => name)).toEqual(['Cat', 'cattle', 'scat']);
    expect(match(choices, '')).toBe(choices);
    panel();
    type('zebra');
    expect(all('[role=option]')).toEqual([]);
    expect(text('.picker')).toContain('No class matches');
  });

  it('is walked and chosen from by keys alone', () => {
    panel();
    press('ArrowDown');
    expect(find('.picker input').getAttribute('aria-activedescendant')).toBe('class-1');
    press('Enter');
    expect(store.state.filter).toBe('top:1');
    press('ArrowDown');
    press('ArrowDown');
    press('Enter');
    expect(store.state.filter).toBe('top:1,2');
    expect(all('[aria-selected=true]').map((one) => one.id)).toEqual(['class-1', 'class-2']);
    press('Enter');
    expect(store.state.filter).toBe('top:1');
  });

  it('Escape empties the search, then goes back to the map', () => {
    panel();
    type('do');
    press('Escape');
    expect(all('[role=option]')).toHaveLength(3);
    expect(map.focus).not.toHaveBeenCalled();
    press('Escape');
    expect(map.focus).toHaveBeenCalledOnce();
  });

  it('leaves other keys to the box', () => {
    panel();
    const event = new KeyboardEvent('keydown', { key: 'f', cancelable: true });
    find('.picker input').dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
  });

  it('accepts four classes and no fifth', () => {
    const classes = ['a', 'b', 'c', 'd', 'e'];
    store.set({ atlas: { ...atlas, classes } });
    panel();
    for (const option of all('[role=option]')) {
      option.click();
      panel();
    }
    expect(store.state.filter).toBe('top:0,1,2,3');
    expect(all('[aria-disabled=true]').map((one) => one.id)).toEqual(['class-4']);
    expect(text('.picker')).toContain(`${MOST_CLASSES} classes at most`);
    find('.chip').click();
    panel();
    expect(store.state.filter).toBe('top:1,2,3');
  });

  it('draws a hundred of a thousand and finds the rest', () => {
    const classes = Array.from({ length: 1000 }, (_, i) => `kind ${i}`);
    store.set({ atlas: { ...atlas, classes } });
    panel();
    expect(all('[role=option]')).toHaveLength(100);
    expect(text('.picker')).toContain('and 900 more');
    type('kind 99');
    expect(all('[role=option]')).toHaveLength(11);
    const before = process.cpuUsage();
    for (const search of ['k', 'ki', 'kin', 'kind', 'kind ', 'kind 1', 'kind 12']) type(search);
    expect(process.cpuUsage(before).user / 7000).toBeLessThan(100);
  });

  it('shows untrusted names as text', () => {
    store.set({ atlas: { ...atlas, classes: ['<img src=x>', '\u202egnp', ''] }, filter: 'top:0' });
    panel();
    expect(root.querySelector('img')).toBeNull();
    expect(all('.picker .name').map((one) => one.textContent)).toEqual([
      '<img src=x>',
      'gnp',
      '(no name)',
    ]);
    expect(all('[role=option]').map((one) => one.id)).toEqual(['class-0', 'class-1', 'class-2']);
  });

  it('counts classes without names by what is known of them', () => {
    const bare = { ...atlas, classes: null };
    expect(listClasses(bare).map(({ name }) => name)).toEqual(['class 0', 'class 1', 'class 2']);
    const unlabeled = { ...bare, labels: null };
    expect(listClasses(unlabeled).map(({ note }) => note)).toEqual(['', '', '']);
    const nothingKnown = { ...attributionAtlas({}), classes: null, labels: null };
    expect(listClasses(nothingKnown)).toEqual([]);
  });
});

describe('the panel', () => {
  it('explains the choice before a class is selected', () => {
    panel();
    expect(text('aside')).toContain('Select a class to highlight its cells');
    expect(all('[name=filter-sign]')).toEqual([]);
  });

  it('changes kind and sign', () => {
    store.set({ filter: 'top:0' });
    panel();
    find('[value=toward]').dispatchEvent(new Event('change'));
    expect(store.state).toMatchObject({ filter: 'toward:0', sign: '' });
    panel();
    find('[value=both]').dispatchEvent(new Event('change'));
    expect(store.state).toMatchObject({ filter: 'toward:0', sign: 'both' });
  });

  it('lists the strongest cells and flies to them', () => {
    store.set({ filter: 'toward:0', sign: 'both' });
    panel();
    expect(text('.strongest h3')).toBe(
      'Strongest cells 4 of 4 cells pass, 1 with fewer than 8 samples',
    );
    const rows = all('.strongest li').map((one) => one.textContent?.replace(/\s+/g, ' ').trim());
    expect(rows).toEqual([
      'row 1, column 2 −1.00 9 samples',
      'row 1, column 1 +.50 10 samples',
      'row 2, column 1 +.25 8 samples',
    ]);
    expect(all('.strongest .meter.hurts')).toHaveLength(1);
    all('.strongest button')[2]?.click();
    expect(store.state.pinned).toEqual({ size: 2, row: 1, col: 0 });
    expect(map.flyTo).toHaveBeenCalledWith({ ...FIT, x: 0.25, y: 0.75 });
  });

  it('says which class each cell is about where several are selected', () => {
    store.set({ filter: 'top:1,0' });
    panel();
    expect(all('.strongest .event > .muted').map((one) => one.textContent)).toEqual([
      'dog · 9 samples',
      'cat · 10 samples',
      'cat · 8 samples',
    ]);
    expect(all('.chip').map((one) => one.textContent?.replace(/\s+/g, ' ').trim())).toEqual([
      'Remove 1 dog×',
      'Remove 2 cat×',
    ]);
  });

  it('says that no cell has samples enough', () => {
    store.set({ filter: 'top:2' });
    panel();
    expect(text('.strongest')).toContain('None with 8 samples or more on this grid');
  });

  it('names the setting where there is no attribution', () => {
    store.set({ atlas: attributionAtlas({}), filter: 'toward:0' });
    panel();
    expect(text('aside')).toContain('Attribution was not recorded: AtlasConfig(attribution=True)');
  });

  it('closes, and returns the focus', () => {
    panel();
    find('[aria-label="Close the class filter"]').click();
    expect(store.state.filterOpen).toBe(false);
    expect(map.focus).toHaveBeenCalled();
  });
});

describe('the legend', () => {
  it('is empty until a class is selected', () => {
    expect(filter.legend(store.state, atlas, level)).toBe(nothing);
    expect(filter.overlays(store.state)).toEqual([]);
  });

  it('shows the true range of the values', () => {
    store.set({ filter: 'toward:0', sign: 'both', filterOpen: false });
    const words = legend();
    expect(words).toContain('Attribution for and against cat');
    expect(words).toContain('attribution for it, up to +.50');
    expect(words).toContain('attribution against it, down to −1.00');
    expect(words).toContain('under 8 samples, not ranked: 1');
    expect(words).not.toContain('does not pass');
    expect(words).toContain('Brightest: 1.00 logits, the strongest cell on this grid');
  });

  it('shows one sign alone, and what does not pass', () => {
    store.set({ filter: 'toward:0', sign: 'hurts' });
    expect(legend()).toContain('attribution against it, down to −1.00');
    expect(legend()).toContain('does not pass: 3');
    expect(legend()).not.toContain('attribution for it');
    store.set({ filter: 'toward:1', sign: '' });
    expect(legend()).toContain('attribution for it, up to +.75');
    expect(legend()).not.toContain('speaks against');
  });

  it('shows shares of the top class', () => {
    store.set({ filter: 'top:0,2' });
    expect(legend()).toContain('Top class is 1 cat or 2 ship');
    expect(legend()).toContain('passes: its share is 50% to 60%');
    expect(legend()).toContain('Brightest: a share of 100%');
    store.set({ filter: 'top:77' });
    expect(legend()).toContain('No cell of this grid passes');
  });

  it('says so where the scale is of cells with few samples', () => {
    const few = attributionAtlas();
    (few.levels[0] as Level).counts.fill(4);
    store.set({ atlas: few, filter: 'toward:0' });
    render(filter.legend(store.state, few, few.levels[0] as Level), root);
    expect(text('aside')).toContain('2.00 logits, the strongest cell (few samples)');
    expect(text('aside')).toContain('attribution for itunder');
  });

  it('clears the filter, and opens the panel', () => {
    store.set({ filter: 'toward:0', sign: 'both', filterOpen: false });
    legend();
    all('button')[0]?.click();
    expect(store.state.filterOpen).toBe(true);
    all('button')[1]?.click();
    expect(store.state).toMatchObject({ filter: '', sign: '' });
  });

  it('rests, with a word, while something else is drawn in its place', () => {
    store.set({ filter: 'toward:0', compare: 0 });
    expect(legend()).toContain('Not shown in this mode');
    expect(filter.overlays(store.state)).toEqual([]);
    store.set({ flipped: true });
    expect(filter.overlays(store.state)).toHaveLength(1);
    store.set({ flipped: false, compareMode: 'swipe' });
    expect(legend()).toContain('those of B');
    expect(filter.overlays(store.state)).toHaveLength(1);
    store.set({ highlight: { ids: [1], name: 'cats', event: null } });
    expect(legend()).toContain('Not shown while samples are highlighted');
    expect(filter.overlays(store.state)).toEqual([]);
  });

  it('puts A and B on one scale', () => {
    const other = { ...attributionAtlas(), step: 0, series: 's1' };
    (other.levels[0] as Level).counts.fill(9);
    store.set({ filter: 'toward:0', compare: 0, compareMode: 'swipe', other });
    expect(legend()).toContain('Brightest: 2.00 logits, the strongest cell of A and B');
  });
});

describe('what is read out', () => {
  it('reports the result of the filter', () => {
    const before = store.state;
    store.set({ filter: 'toward:0', sign: 'both' });
    expect(filter.announce(store.state, before)).toBe(
      '4 of 4 cells pass, 1 with fewer than 8 samples; strongest at row 1, column 2: −1.00',
    );
    expect(filter.announce(store.state, store.state)).toBeNull();
    store.set({ filter: 'top:2', sign: '' });
    expect(filter.announce(store.state, before)).toBe(
      '1 of 4 cells pass, 1 with fewer than 8 samples',
    );
    store.set({ atlas: attributionAtlas({}), filter: 'toward:2' });
    expect(filter.announce(store.state, before)).toContain('was not recorded');
  });

  it('is nothing while the run plays', () => {
    const before = store.state;
    store.set({ filter: 'top:0', playing: true });
    expect(filter.announce(store.state, before)).toBeNull();
  });
});

describe('attribution of a cell', () => {
  const show = (cell: number, count: number, of = atlas) => {
    const context = { atlas: of, level: of.levels[0], facts: { cell, count } };
    render(filter.inspectorSection(context as unknown as CellContext), root);
  };

  it('lists for and against, and filters the map on request', () => {
    show(1, 9);
    expect(text('section')).toBe(
      'Attribution logits, mean of the samples For ship +.25 dog +.13 Against cat −1.00',
    );
    find('button').click();
    expect(readFilter(store.state)).toEqual({ kind: 'toward', classes: [2], sign: 'both' });
  });

  it('warns of few samples', () => {
    show(3, 4);
    expect(text('h3')).toContain('only 4 samples');
  });

  it('names the setting that is missing', () => {
    show(0, 10, attributionAtlas({}));
    expect(text('section')).toContain(
      'Attribution was not recorded: AtlasConfig(attribution=True)',
    );
  });
});

describe('heat on the map', () => {
  /** Draws over a map of 400 pixels from (220, 20), whose cells are 200 pixels. */
  function drawn(filter: Filter, several = false): { name: string; values: unknown[] }[] {
    const calls: { name: string; values: unknown[] }[] = [];
    const context = new Proxy({} as CanvasRenderingContext2D, {
      get:
        (_target, property) =>
        (...values: unknown[]) => {
          calls.push({ name: String(property), values });
          return { width: 30 };
        },
      set(_target, property, value) {
        calls.push({ name: `${String(property)}=`, values: [value] });
        return true;
      },
    });
    const result = applyFilter(atlas, level, filter);
    if (typeof result === 'string') throw new Error(result);
    const frame = { camera: FIT, viewport, atlas, level, theme: THEMES.light };
    drawFilter(context, frame as unknown as OverlayFrame, {
      result,
      kind: filter.kind,
      most: result.most,
      several,
    });
    return calls;
  }
  const of = (calls: { name: string; values: unknown[] }[], name: string) =>
    calls.filter((call) => call.name === name).map(({ values }) => values[0]);

  it('dims by strength, marks the sign by hatching and few samples by dots', () => {
    const calls = drawn({ kind: 'toward', classes: [0], sign: 'both' });
    const veils = calls.flatMap(({ name, values }, i) =>
      name === 'globalAlpha=' && calls[i + 2]?.name === 'fillRect' ? values : [],
    );
    expect(veils.map((alpha) => (alpha as number).toFixed(3))).toEqual([
      '0.410',
      '0.000',
      '0.615',
      '0.000',
    ]);
    expect(of(calls, 'setLineDash')).toEqual([[], [], [], [], [], [], [1.5, 2.5], []]);
    // One cell is spoken against: only it is hatched.
    expect(of(calls, 'lineTo').length).toBeGreaterThan(10);
    expect(of(drawn({ kind: 'toward', classes: [0], sign: 'helps' }), 'lineTo')).toEqual([]);
    expect(of(calls, 'fillText')).toEqual(['+.50', '−1.00', '+.25', '+2.00']);
  });

  it('leaves what does not pass where it is, dimmed and without a mark', () => {
    const calls = drawn({ kind: 'top', classes: [1], sign: 'helps' });
    expect(of(calls, 'fillRect')).toHaveLength(4);
    // A frame and the ground of its label.
    expect(of(calls, 'roundRect')).toHaveLength(2);
    expect(of(calls, 'fillText')).toEqual(['100%']);
  });

  it('numbers classes where there are several', () => {
    const calls = drawn({ kind: 'top', classes: [1, 0], sign: 'helps' }, true);
    expect(of(calls, 'fillText')).toEqual(['2 · 60%', '1 · 100%', '2 · 50%']);
  });
});
