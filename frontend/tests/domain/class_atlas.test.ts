// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { type nothing, render, type TemplateResult } from 'lit';
import { describe, expect, it, vi } from 'vitest';
import { classAtlasOf, NOT_FOLLOWED } from '../../src/domain/class_atlas';
import { explainUnpairing } from '../../src/domain/comparison/atlas_pairs';
import type { Highlight } from '../../src/domain/display_types';
import { highlightedRows } from '../../src/domain/highlight';
import { NearestSamples } from '../../src/domain/nearest_samples';
import { EventList } from '../../src/features/events/event_list';
import { legendPanel } from '../../src/features/legend/legend';
import { findResults } from '../../src/features/search/map_search';
import { highlightSentence } from '../../src/features/selection/highlight_pill';
import { motionChoice } from '../../src/features/timeline/motion_choice';
import { IconMotion } from '../../src/map/icon_motion';
import { differenceOf } from '../../src/state/difference_values';
import { driftOf } from '../../src/state/drift_values';
import type { Session } from '../../src/state/session';
import { type State, Store } from '../../src/state/store';
import type { Atlas, Level } from '../../src/wire/atlas';
import { AXIS, classAtlas, pairAtlas, runOf } from '../helpers/class_atlas_fixtures';
import { smallAtlas } from '../helpers/wire_builder';

const levelOf = (atlas: Atlas) => atlas.levels[0] as Level;
/** The same rows and images by chance, at another step. */
const earlier = { ...classAtlas(), step: 3, key: 's1/3' };

function shown(template: TemplateResult | typeof nothing): HTMLElement {
  const root = document.createElement('div');
  render(template, root);
  return root;
}

const words = (element: Element | null) => (element?.textContent ?? '').replace(/\s+/g, ' ').trim();

function stateWith(atlas: Atlas, change: Partial<State> = {}): State {
  const store = new Store();
  const [series = null] = runOf('r', 'stage3 · cat').series;
  store.set({ series: series && { ...series, id: atlas.series }, step: 7, atlas, ...change });
  return store.state;
}

describe('what an atlas states', () => {
  it('is one class, or two and the axis between them', () => {
    expect(classAtlasOf(classAtlas())).toEqual({
      layer: 'stage3',
      names: ['cat'],
      filled: false,
      axis: null,
    });
    const { left, right, reach, trustworthiness } = classAtlasOf(pairAtlas())?.axis ?? {};
    expect([left, right, reach, trustworthiness]).toEqual([
      'dog',
      'cat',
      AXIS.reach,
      AXIS.trustworthiness,
    ]);
    expect(classAtlasOf(classAtlas({ rule: 'top' }))?.filled).toBe(true);
  });

  it('is nothing for the atlas of a layer, and for nonsense', () => {
    expect(classAtlasOf(smallAtlas())).toBeNull();
    for (const odd of [
      { layer: 3 },
      { names: [] },
      { names: ['cat', 'dog'] },
      { names: Array(9).fill('cat'), classes: Array(9).fill(0) },
      { rule: null },
      { axis: 'left' },
      { axis: { left: 0, right: 0 } },
      { axis: { ...AXIS, right: '0' } },
      { axis: { ...AXIS, reach: -1 } },
    ]) {
      expect(classAtlasOf(classAtlas(odd)), JSON.stringify(odd)).toBeNull();
    }
  });

  it('has no axis where its classes are not those of the atlas, or it reaches nowhere', () => {
    for (const odd of [{ left: 9 }, { reach: 0 }]) {
      const stated = classAtlasOf(pairAtlas({ axis: { ...AXIS, ...odd } }));
      expect(stated?.names).toEqual(['cat', 'dog']);
      expect(stated?.axis, JSON.stringify(odd)).toBeNull();
    }
  });
});

describe('samples that differ from step to step', () => {
  const now = classAtlas();

  it('are no pair, though rows and images agree', () => {
    expect(explainUnpairing({ ...smallAtlas(), step: 3 }, smallAtlas())).toBeNull();
    expect(explainUnpairing(earlier, now)).toBe(NOT_FOLLOWED);
    expect(explainUnpairing(smallAtlas(), now)).toBe(NOT_FOLLOWED);
  });

  it('neither travel, drift nor differ', () => {
    const scene = (atlas: Atlas) => ({
      atlas,
      level: levelOf(atlas),
      pages: [],
      tiles: true,
      cellColors: null,
      pointColors: null,
    });
    const half = (atlas: Atlas) => ({ item: scene(atlas), weight: 0.5 });
    expect(new IconMotion().interpolate(half(earlier), half(now))).toBeNull();
    const state = stateWith(now, { compare: 3, other: earlier });
    expect(driftOf(state, now, levelOf(now), new NearestSamples(() => {}))).toBe(NOT_FOLLOWED);
    expect(differenceOf(state, now, levelOf(now))).toBe(
      `${NOT_FOLLOWED} Swipe and Blink show both.`,
    );
  });

  it('are found by number at one step alone, by image at all', () => {
    const only = { ids: [2], of: 'sample', atlas: now.key, name: 'sample 2', event: null } as const;
    expect([...highlightedRows(now, only)]).toEqual([2]);
    expect([...highlightedRows(earlier, only)]).toEqual([]);
    expect(highlightSentence(earlier, levelOf(earlier), only)).toBe(NOT_FOLLOWED);
    const image: Highlight = { ids: [12], of: 'image', name: 'image 12', event: null };
    expect([...highlightedRows(earlier, image)]).toEqual([2]);
    const noteOf = (atlas: Atlas) => findResults(atlas, levelOf(atlas), 'sample 2').list[0]?.note;
    expect(noteOf(now)).toBe('dog, image 12, this step only');
    expect(noteOf(smallAtlas())).toBe('dog, image 12');
  });

  it('close the moving map and say why', () => {
    const session = { store: { set: vi.fn() } } as unknown as Session;
    const radios = (atlas: Atlas) =>
      [
        ...shown(motionChoice(stateWith(atlas), session)).querySelectorAll<HTMLInputElement>(
          'input',
        ),
      ].map(({ checked, disabled, parentElement }) => [checked, disabled, parentElement?.title]);
    const fixed = 'Icons change in place (m)';
    expect(radios(now)).toEqual([
      [false, true, NOT_FOLLOWED],
      [true, false, fixed],
    ]);
    expect(radios(smallAtlas())).toEqual([
      [true, false, 'Icons move with their samples (m)'],
      [false, false, fixed],
    ]);
  });

  it('have no events', () => {
    const list = new EventList({} as never, {} as never, () => {});
    const state = stateWith(now, { eventList: true, history: { events: null } as never });
    const said = words(shown(list.render(state)));
    expect(said).toContain(NOT_FOLLOWED);
    expect(said).not.toContain('evolve');
  });
});

describe('the legend', () => {
  const legendOf = (atlas: Atlas, open = true) =>
    shown(legendPanel(atlas, levelOf(atlas), { kind: 'none' }, 'icons', open));

  it('says which places they are', () => {
    const said = words(legendOf(classAtlas()));
    expect(said).toContain('Only positions of stage3 with attribution for cat');
    expect(said).toContain('The class has the highest attribution at each position.');
    expect(said).toContain('6 samples');
    expect(said).not.toContain('Left to right');
  });

  it('does not call them only those where there were too few', () => {
    const one = words(legendOf(classAtlas({ rule: 'top' })));
    expect(one).toContain('Positions of stage3 with attribution for cat');
    expect(one).toContain('Too few positions have it as their strongest class');
    expect(one).not.toContain('Only');
    expect(words(legendOf(pairAtlas({ rule: 'top' })))).toContain('For at least one class');
  });

  it('says what left and right mean, as the axis states it', () => {
    const said = words(legendOf(pairAtlas()));
    expect(said).toContain(
      'with attribution for cat or for dog One of the classes has the highest attribution',
    );
    expect(said).toContain(
      'Left to right: attribution for cat minus dog, ±.16 logits at the edges. ' +
        'Up and down: similarity of activations (trustworthiness .82).',
    );
    const turned = pairAtlas({ axis: { ...AXIS, left: 0, right: 1, trustworthiness: null } });
    const other = words(legendOf(turned));
    expect(other).toContain('attribution for dog minus cat');
    expect(other).not.toContain('(trustworthiness');
  });

  it('shows why the map does not continue the previous step, and no other notes', () => {
    const said = words(
      legendOf(
        classAtlas({}, [
          'layout: continues step 3 by its 9 samples',
          'layout: started over after step 3, with another probe',
          'layout: the frame changed, motion since the last step includes its move',
        ]),
      ),
    );
    expect(said).toContain('Started over after step 3, with another probe.');
    expect(said).toContain('The frame changed, motion since the last step includes its move.');
    expect(said).not.toContain('by its 9 samples');
  });

  it('folds on a narrow stage, is nothing for a layer, and shows untrusted names as text', () => {
    const open = (on: boolean) => legendOf(classAtlas(), on).querySelector('details')?.open;
    expect([open(true), open(false)]).toEqual([true, false]);
    expect(legendOf(smallAtlas()).querySelector('.class-note')).toBeNull();
    const evil = '<img src=x onerror=alert(1)>\u202e';
    const root = legendOf(
      pairAtlas({ layer: evil, names: [evil, 'dog'] }, [`layout: started ${evil}`]),
    );
    expect(root.querySelector('img')).toBeNull();
    expect(words(root)).toContain('attribution for <img src=x onerror=alert(1)> or for dog');
    expect(words(root)).not.toContain('\u202e');
  });
});
