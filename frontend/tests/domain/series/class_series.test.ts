// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { describe, expect, it, vi } from 'vitest';
import { topBar } from '../../../src/app/top_bar';
import { classTest, groupSeries } from '../../../src/domain/series/class_series';
import { findSeries } from '../../../src/domain/series/series_lookup';
import { classLinks, missingAtlases } from '../../../src/features/class_filter/class_atlas_links';
import { findAtlas, openAtlas, seriesLabel } from '../../../src/state/class_atlas_lookup';
import type { Session } from '../../../src/state/session';
import { type State, Store } from '../../../src/state/store';
import type { Atlas } from '../../../src/wire/atlas';
import type { RunEntry } from '../../../src/wire/manifest';
import { classAtlas, runOf } from '../../helpers/class_atlas_fixtures';
import { smallAtlas } from '../../helpers/wire_builder';

const EVIL = '<img src=x onerror=alert(1)>\u202e';
const HOME = runOf(
  'exp/atlas',
  'stage2',
  'stage3',
  'stage3 · cat',
  'stage3 · cat / dog',
  `stage3 · ${EVIL}`,
  'a · b',
);
const ASIDE = runOf('exp/atlas/classes', 'stage2 · cat', 'stage2 · dog');
const RUNS = [HOME, ASIDE, runOf('other/atlas', 'stage3', 'stage3 · ship')];

const seriesOf = (run: RunEntry, layer: string) =>
  run.series.find((one) => one.layer === layer) ?? null;
const outline = (run: RunEntry, plain: string | null = null) =>
  groupSeries(run, plain === null ? null : seriesOf(run, plain)).map(({ layer, own, classes }) => [
    layer,
    own?.layer ?? null,
    ...classes.map(({ label }) => label),
  ]);

function stateWith(run: RunEntry, layer: string, atlas: Atlas = smallAtlas()): State {
  const store = new Store();
  const series = seriesOf(run, layer);
  store.set({
    phase: 'ready',
    runs: RUNS,
    run,
    series,
    step: 7,
    atlas: series && { ...atlas, series: series.id },
  });
  return store.state;
}

describe('layers and their classes', () => {
  it('stand together, the own atlas first; a name alone makes no class', () => {
    expect(outline(HOME)).toEqual([
      ['stage2', 'stage2'],
      ['stage3', 'stage3', 'cat', 'cat / dog', EVIL],
      ['a · b', 'a · b'],
    ]);
    expect(outline(ASIDE)).toEqual([['stage2', null, 'cat', 'dog']]);
  });

  it('part at the last dot, since names of classes hold none', () => {
    const odd = runOf('r', 'a · b', 'a · b · cat', 'a · b · ', ' · x', 'y · ');
    expect(outline(odd)).toEqual([
      ['a · b', 'a · b', 'cat', ''],
      [' · x', ' · x'],
      ['y · ', 'y · '],
    ]);
  });

  it('trust an atlas that is not of a class', () => {
    expect(outline(HOME, 'stage3 · cat')).toEqual([
      ['stage2', 'stage2'],
      ['stage3', 'stage3', 'cat / dog', EVIL],
      ['stage3 · cat', 'stage3 · cat'],
      ['a · b', 'a · b'],
    ]);
  });

  it('are distinguished in ten thousand series at once', () => {
    const many = runOf('r', 'stage3', ...Array.from({ length: 10_000 }, (_, i) => `stage3 · ${i}`));
    const start = performance.now();
    expect(groupSeries(many, null)[0]?.classes).toHaveLength(10_000);
    expect(many.series.filter(classTest(many))).toHaveLength(10_000);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('open at a layer, and at a class if the link requests it or there is nothing else', () => {
    const run = runOf('r', 'stage3', 'stage3 · cat');
    expect(findSeries(run, null)?.layer).toBe('stage3');
    expect(findSeries(run, 'gone')?.layer).toBe('stage3');
    expect(findSeries(run, 'stage3 · cat')?.layer).toBe('stage3 · cat');
    expect(findSeries(ASIDE, null)?.layer).toBe('stage2 · dog');
  });
});

describe('the choice of a layer', () => {
  const session = () => ({ store: { set: vi.fn() }, chooseSeries: vi.fn() }) as unknown as Session;
  const select = (state: State, by = session()) => {
    const root = document.createElement('div');
    render(topBar(state, by), root);
    return root.querySelector('#layer') as HTMLSelectElement;
  };
  const texts = (list: Iterable<Element>) => [...list].map((one) => one.textContent?.trim());

  it('has a group for the classes, with short names and whole ones in the tooltip', () => {
    const by = session();
    const layer = select(stateWith(HOME, 'stage3 · cat / dog', classAtlas()), by);
    const [group, ...more] = layer.querySelectorAll('optgroup');
    expect(more).toEqual([]);
    expect(group?.label).toBe('Classes of stage3');
    expect(texts(group?.children ?? [])).toEqual([
      'cat',
      'cat / dog',
      '<img src=x onerror=alert(1)>',
    ]);
    expect(texts(layer.children).filter((one) => !one?.includes('cat'))).toEqual([
      'stage2',
      'stage3',
      'a · b',
    ]);
    expect(layer.querySelector('img')).toBeNull();
    expect(layer.title).toBe('stage3 · cat / dog');
    layer.value = 'exp/atlas: stage3 · cat';
    layer.dispatchEvent(new Event('change'));
    expect(by.chooseSeries).toHaveBeenCalledWith('exp/atlas: stage3 · cat');
  });

  it('lists in full what is called like a class and is none', () => {
    const layer = select(stateWith(HOME, 'stage3 · cat'));
    expect(texts(layer.children)).toContain('stage3 · cat');
    expect(texts(layer.querySelector('optgroup')?.children ?? [])).not.toContain('cat');
  });
});

describe('the series of a class atlas', () => {
  it('is identified by the name of its series', () => {
    const known = ['cat', 'dog', 'cat', 'a · b / c', 'x'.repeat(61)];
    expect(known.map((_, index) => seriesLabel(known, index))).toEqual([
      'cat (0)',
      'dog',
      'cat (2)',
      'a·b/c',
      `${'x'.repeat(59)}…`,
    ]);
    expect([seriesLabel(known, 9), seriesLabel(null, 3)]).toEqual(['9', '3']);
  });

  it('is this run, or the one beside it, but no other', () => {
    const at = (run: RunEntry, layer: string, ...labels: string[]) => {
      const place = findAtlas(RUNS, run, layer, labels);
      return place && [place.run.run, place.series.layer];
    };
    expect(at(HOME, 'stage3', 'cat')).toEqual(['exp/atlas', 'stage3 · cat']);
    expect(at(HOME, 'stage3', 'dog', 'cat')).toEqual(['exp/atlas', 'stage3 · cat / dog']);
    expect(at(HOME, 'stage2', 'cat')).toEqual(['exp/atlas/classes', 'stage2 · cat']);
    expect(at(ASIDE, 'stage2')).toEqual(['exp/atlas', 'stage2']);
    expect(at(HOME, 'stage3', 'ship')).toBeNull();
  });

  it('is opened, through its run if that is another', () => {
    const calls: string[] = [];
    const session = {
      store: { state: { run: HOME } },
      chooseRun: (id: string) => calls.push(id),
      chooseSeries: (id: string) => calls.push(id),
    } as unknown as Session;
    for (const layer of ['stage3', 'stage2']) {
      const place = findAtlas(RUNS, HOME, layer, ['cat']);
      if (place) openAtlas(session, place);
    }
    expect(calls).toEqual(['exp/atlas: stage3 · cat', ASIDE.id, 'exp/atlas/classes: stage2 · cat']);
  });
});

describe('the class filter', () => {
  const shown = (state: State, atlas: Atlas, classes: number[]) => {
    const root = document.createElement('div');
    render(
      [classLinks(state, {} as Session, atlas, classes), missingAtlases(state, atlas, classes)],
      root,
    );
    const text = (one: Element) => (one.textContent ?? '').replace(/\s+/g, ' ').trim();
    return {
      root,
      links: [...root.querySelectorAll('button')].map(text),
      settings: [...root.querySelectorAll('code')].map(text),
      text: text(root),
    };
  };
  const layer = { ...smallAtlas(), manifest: { ...smallAtlas().manifest, layer: 'stage3' } };

  it('leads to the atlas of a class and of two, and says how to have the others', () => {
    const state = stateWith(HOME, 'stage3', layer);
    const found = shown(state, layer, [0, 1]);
    expect(found.links).toEqual(['Open the atlas of cat', 'Open the atlas of cat / dog']);
    expect(found.text).toContain('No class atlas of dog was computed for this layer:');
    expect(found.settings).toEqual([
      'AtlasWriter(..., class_atlases=["dog"])',
      'tensorboard-atlas class',
    ]);
    expect(shown(state, layer, [0]).settings).toEqual([]);
    expect(shown(state, layer, []).text).toBe('');
  });

  it('leads back to the layer, and not to where one is', () => {
    const atlas = classAtlas();
    expect(shown(stateWith(HOME, 'stage3 · cat', atlas), atlas, [0]).links).toEqual([
      'Open the atlas of stage3',
    ]);
  });

  it('types names only where they can be typed', () => {
    const odd = { ...layer, classes: ['twin', 'twin', EVIL, '', 'say "hi"'] };
    const state = stateWith(HOME, 'stage3', layer);
    const setting = (index: number, classes: readonly string[] | null = odd.classes) =>
      shown(state, { ...odd, classes }, [index]).settings[0];
    expect([0, 3, 4].map((index) => setting(index))).toEqual([
      'AtlasWriter(..., class_atlases=[0])',
      'AtlasWriter(..., class_atlases=[3])',
      'AtlasWriter(..., class_atlases=["say \\"hi\\""])',
    ]);
    expect(setting(4, null)).toBe('AtlasWriter(..., class_atlases=[4])');
    const evil = shown(state, odd, [2]);
    expect(evil.links).toEqual(['Open the atlas of <img src=x onerror=alert(1)>']);
    expect(evil.root.querySelector('img')).toBeNull();
  });
});
