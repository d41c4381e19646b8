// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { nothing, render } from 'lit';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Change } from '../../../src/domain/comparison/difference';
import { compareBar, dividerSlider } from '../../../src/features/compare/compare_bar';
import { differenceLegend } from '../../../src/features/compare/difference_legend';
import { sideMark } from '../../../src/features/timeline/event_marks';
import { TwoStepScenes } from '../../../src/map/two_step_scenes';
import type { Scene } from '../../../src/render/scene';
import {
  chooseA,
  dividerAt,
  showA,
  swapSides,
  toggleCompare,
} from '../../../src/state/comparison_actions';
import { differenceOf, differenceSentence } from '../../../src/state/difference_values';
import { driftOf, stepsBetween } from '../../../src/state/drift_values';
import { atlasOnScreen } from '../../../src/state/reference_step';
import type { Session } from '../../../src/state/session';
import { type State, Store } from '../../../src/state/store';
import { Failure } from '../../../src/wire/api';
import type { Atlas, Level } from '../../../src/wire/atlas';
import type { RunEntry } from '../../../src/wire/manifest';
import { attributionAtlas } from '../../helpers/class_fixtures';
import { a, b, level, series } from '../../helpers/two_step_fixtures';

let store: Store;
let session: Session;
let root: HTMLElement;
beforeEach(() => {
  store = new Store();
  store.set({ series, step: 40, atlas: b, other: a, shownLevel: 2 });
  session = {
    store,
    chooseStep: (step: number) => store.set({ step }),
  } as unknown as Session;
  root = document.createElement('div');
  document.body.replaceChildren(root);
});

const text = () => (root.textContent ?? '').replace(/\s+/g, ' ').trim();
const find = <T extends HTMLElement>(selector: string) => root.querySelector<T>(selector) as T;

describe('choices of the comparison', () => {
  it('opens with the step before, or the first other one, and closes', () => {
    toggleCompare(session);
    expect(store.state.compare).toBe(10);
    toggleCompare(session);
    expect(store.state.compare).toBeNull();
    store.set({ step: 0 });
    toggleCompare(session);
    expect(store.state.compare).toBe(10);
  });

  it('stays closed where there is but one step', () => {
    store.set({ series: { ...series, steps: [40] } });
    toggleCompare(session);
    expect(store.state.compare).toBeNull();
  });

  it('swaps the sides', () => {
    swapSides(session);
    expect(store.state).toMatchObject({ compare: null, step: 40 });
    chooseA(session, 10);
    swapSides(session);
    expect(store.state).toMatchObject({ compare: 40, step: 10 });
  });

  it('shows A only where there is one', () => {
    showA(session, true);
    expect(store.state.flipped).toBe(false);
    chooseA(session, 10);
    showA(session, true);
    expect(atlasOnScreen(store.state)).toBe(a);
    showA(session, false);
    expect(atlasOnScreen(store.state)).toBe(b);
  });
});

describe('the bar', () => {
  const show = () => render(compareBar(store.state, session), root);

  it('is there only while two steps are compared', () => {
    expect(compareBar(store.state, session)).toBe(nothing);
  });

  it('names both steps, and sets another as A', () => {
    chooseA(session, 10);
    show();
    expect(text()).toMatch(/^A step 0step 10step 40 B step 40 DifferenceSwipeBlink/);
    expect(find<HTMLSelectElement>('select').value).toBe('10');
    find<HTMLSelectElement>('select').value = '0';
    find('select').dispatchEvent(new Event('change'));
    expect(store.state.compare).toBe(0);
    find('[aria-label="End the comparison"]').click();
    expect(store.state.compare).toBeNull();
  });

  it('offers A as a button, too, while blinking', () => {
    chooseA(session, 10);
    show();
    expect(find('[aria-pressed]')).toBeNull();
    find('input[value=blink]').dispatchEvent(new Event('change'));
    show();
    find('[aria-pressed=false]').click();
    expect(store.state).toMatchObject({ compareMode: 'blink', flipped: true });
  });

  it('says why A cannot be shown', () => {
    store.set({ compare: 10, otherFailure: new Failure('damaged', 'torn', 'atlas?x') });
    show();
    expect(text()).toContain('A cannot be shown: torn');
  });

  it('marks A on the time line', () => {
    expect(sideMark(store.state)).toBe(nothing);
    store.set({ compare: 10 });
    render(sideMark(store.state), root);
    expect(find('b').style.left).toBe('50%');
  });
});

describe('A of another run or layer', () => {
  const layers = (id: string) => [
    { ...series, id, steps: [0, 10, 40] },
    { ...series, id: `${id}x`, layer: 'layer4', steps: [0, 30] },
  ];
  const runs = [
    { id: 'r1', run: 'one/atlas', probe: true, series: layers('s1') },
    { id: 'r2', run: 'two/atlas', probe: true, series: layers('s2') },
    { id: 'r3', run: 'none', probe: false, series: [] },
  ];
  const show = () => render(compareBar(store.state, session), root);
  const choose = (selector: string, value: string) => {
    find<HTMLSelectElement>(selector).value = value;
    find(selector).dispatchEvent(new Event('change'));
    show();
  };
  const opened = vi.fn();

  beforeEach(() => {
    opened.mockReset();
    Object.assign(session, { open: opened });
    store.set({ runs, run: runs[0] ?? null, series: runs[0]?.series[0] ?? null, compare: 10 });
    show();
  });

  it('is chosen in the bar, with the nearest step', () => {
    choose('#compare-run', 'r2');
    expect(store.state).toMatchObject({ compare: 10, compareIn: 'layer3,two%2Fatlas' });
    choose('#compare-layer', 's2x');
    expect(store.state).toMatchObject({ compare: 0, compareIn: 'layer4,two%2Fatlas' });
    choose('#compare-a', '30');
    expect(store.state).toMatchObject({ compare: 30, compareIn: 'layer4,two%2Fatlas' });
    choose('#compare-run', 'r1');
    expect(store.state).toMatchObject({ compare: 30, compareIn: 'layer4,one%2Fatlas' });
    choose('#compare-layer', 's1');
    expect(store.state).toMatchObject({ compare: 40, compareIn: '' });
  });

  it('needs no choice where there is one run with one layer', () => {
    const only = { ...runs[0], series: [series] } as RunEntry;
    store.set({ runs: [only], run: only, series });
    show();
    expect(root.querySelectorAll('select')).toHaveLength(1);
  });

  it('is named wherever its step is', () => {
    store.set({ compareIn: 'layer3,two%2Fatlas', other: { ...a, series: 's2' } });
    expect(atlasOnScreen({ ...store.state, flipped: true })?.series).toBe('s2');
    expect(differenceOf(store.state, b, level)).toBe(
      'The two maps are not aligned: their coordinates cannot be compared. Swipe and Blink show both.',
    );
    const fields = { viewport: { x0: 0, y0: 0, x1: 1, y1: 1 } };
    const withFrame = (atlas: Atlas) =>
      ({
        ...atlas,
        manifest: { ...atlas.manifest, fields: { ...atlas.manifest.fields, ...fields } },
      }) as unknown as Atlas;
    store.set({ other: withFrame({ ...a, series: 's2' }) });
    const found = differenceOf(store.state, withFrame(b), level);
    if (typeof found === 'string') throw new Error(found);
    expect(differenceSentence(store.state, found)).toBe(
      '2 samples changed cell between A (two, step 10) and B (step 40)',
    );
    store.set({ compareIn: 'layer4,two%2Fatlas', compare: 0, other: null });
    expect(differenceOf(store.state, b, level)).toBe('Two, layer4, step 0 is loading …');
    store.set({ compareIn: 'layer4,gone' });
    expect(differenceOf(store.state, b, level)).toBe('A is not in this log.');
    expect(sideMark(store.state)).toBe(nothing);
  });

  it('has no drift of activations, whose channels differ', () => {
    store.set({ compareIn: 'layer3,two%2Fatlas', other: { ...a, series: 's2' } });
    const drift = (quantity: State['drift']) =>
      driftOf({ ...store.state, drift: quantity }, b, level, null as never);
    expect(drift('activation')).toContain('different channels');
    expect(drift('on')).toContain('not aligned');
    expect(stepsBetween(store.state)).toBe('The noise floor is that of B since its previous step.');
  });

  it('becomes B when the sides are swapped', () => {
    store.set({ compareIn: 'layer4,two%2Fatlas', compare: 30 });
    swapSides(session);
    expect(opened).toHaveBeenCalledWith(runs[1], runs[1]?.series[1], 30, {
      compare: 40,
      compareIn: 'layer3,one%2Fatlas',
      flipped: false,
    });
    store.set({ compareIn: 'layer4,gone' });
    opened.mockReset();
    swapSides(session);
    expect(opened).not.toHaveBeenCalled();
  });
});

describe('the legend of the difference', () => {
  const show = (go: (change: Change) => void = () => {}) =>
    render(differenceLegend(store.state, b, level, go), root);

  beforeEach(() => store.set({ compare: 10 }));

  it('shows the true range, and which cells are in one step only', () => {
    show();
    expect(text()).toContain('2 samples changed cell between step 10 and step 40');
    expect(text()).toContain('more in B: up to +2');
    expect(text()).toContain('fewer in B: to −2');
    expect(text()).toContain('cell in A only: 1');
    expect(text()).toContain('cell in B only: 1');
    expect(text()).toContain('In every cell, most samples');
  });

  it('lists the largest changes to go to', () => {
    const go = vi.fn();
    show(go);
    const rows = [...root.querySelectorAll('tbody tr')];
    expect(rows.map((row) => row.textContent?.replace(/\s+/g, ' ').trim())).toEqual([
      'row 1, column 1 −2 significant',
      'row 1, column 2 +2 significant',
    ]);
    rows[1]?.querySelector('button')?.click();
    expect(go).toHaveBeenCalledWith(expect.objectContaining({ row: 0, col: 1, gain: 2 }));
  });

  it('says where chance explains the change, or was not recorded', () => {
    const calm = { ...b, noiseFloor: new Float32Array(6).fill(2), levels: [{ ...level }] };
    render(
      differenceLegend(store.state, calm, calm.levels[0] as Level, () => {}),
      root,
    );
    expect(text()).toContain(
      'Pale: most samples that came or left moved less than the noise floor.',
    );
    expect(text()).toContain('not significant');
    const bare = { ...b, noiseFloor: null, levels: [{ ...level }] };
    render(
      differenceLegend(store.state, bare, bare.levels[0] as Level, () => {}),
      root,
    );
    expect(text()).toContain('No noise floor was recorded.');
    expect(text()).toContain('unknown');
  });

  it('is one of attribution toward the class of the filter', () => {
    const now = attributionAtlas();
    const was = { ...attributionAtlas(), step: 10, series: 's1' };
    const atlas = { ...now, step: 40, series: 's1' };
    store.set({ atlas, other: was, filter: 'top:1,2' });
    render(
      differenceLegend(store.state, atlas, atlas.levels[0] as Level, () => {}),
      root,
    );
    expect(text()).toContain('Attribution toward dog changed between step 10 and step 40');
    expect(text()).toContain('less in B: to 0');
    expect(text()).toContain('Standard errors were not recorded.');
    store.set({ filter: '' });
    expect(differenceOf(store.state, atlas, atlas.levels[0] as Level)).toMatchObject({
      toward: null,
    });
  });

  it('is one of samples where a top class is filtered and no attribution was recorded', () => {
    store.set({ filter: 'top:1' });
    show();
    expect(text()).toContain('2 samples changed cell');
    store.set({ filter: 'toward:1' });
    show();
    expect(text()).toContain('Attribution was not recorded');
  });

  it('lists nothing where nothing changed', () => {
    store.set({ other: { ...b, step: 10 } });
    show();
    expect(text()).toContain('0 samples changed cell');
    expect(find('table')).toBeNull();
  });

  it('requests another step where A is B', () => {
    store.set({ compare: 40 });
    show();
    expect(text()).toBe('A and B are the same step: select another one.');
  });

  it('says why there is none', () => {
    store.set({ other: null });
    show();
    expect(text()).toBe('Step 10 is loading …');
    store.set({ otherFailure: new Failure('damaged', 'torn', 'atlas?x') });
    show();
    expect(text()).toBe('Step 10 cannot be read: torn');
    store.set({ other: { ...a, levels: [] } });
    show();
    expect(text()).toBe('Step 10 has no 2 × 2 grid.');
  });

  it('has a sentence for screen readers', () => {
    const found = differenceOf(store.state, b, level);
    if (typeof found === 'string') throw new Error(found);
    expect(differenceSentence(store.state, found)).toBe(
      '2 samples changed cell between step 10 and step 40',
    );
  });
});

describe('director', () => {
  const viewport = { width: 424, height: 200 };
  const sceneOfLevel = (atlas: typeof a): Scene => ({
    atlas,
    level: atlas.levels[0] as Level,
    pages: [],
    tiles: true,
    cellColors: null,
    pointColors: null,
  });
  const [older, newer] = [sceneOfLevel(a), sceneOfLevel(b)];
  const arrange = (change: Partial<State>, ready = true, director = new TwoStepScenes()) => {
    store.set(change);
    const items = [{ item: newer, weight: 1 }];
    return director.arrange(items, store.state, viewport, () => (ready ? older : null));
  };

  it('leaves the map alone while nothing is compared, or squares cover it', () => {
    expect(arrange({})).toBeNull();
    expect(arrange({ compare: 10 })).toBeNull();
  });

  it('shows A at the left of the divider and B at the right', () => {
    const scenes = arrange({ compare: 10, compareMode: 'swipe', divider: 0.25 });
    expect(scenes?.map(({ scene, clip }) => [scene.atlas.step, clip])).toEqual([
      [10, [0, 112]],
      [40, [112, 424]],
    ]);
    expect(dividerAt(store.state, viewport)).toBe(112);
  });

  it('shows A alone while it is requested', () => {
    const scenes = arrange({ compare: 10, flipped: true });
    expect(scenes).toEqual([{ scene: older, weight: 1 }]);
  });

  it('waits for the icons of A', () => {
    const director = new TwoStepScenes();
    expect(arrange({ compare: 10, flipped: true }, false, director)).toBeNull();
    expect(director.waiting).toBe(true);
    arrange({ flipped: false }, true, director);
    expect(director.waiting).toBe(false);
  });

  it('moves icons between two steps, unless the map is fixed', () => {
    const items = [
      { item: older, weight: 0.5 },
      { item: newer, weight: 0.5 },
    ];
    const drawn = () => new TwoStepScenes().arrange(items, store.state, viewport, () => null);
    expect(drawn()?.every(({ motion }) => motion !== undefined)).toBe(true);
    store.set({ motion: false });
    expect(drawn()).toBeNull();
  });

  it('puts a slider over the divider', () => {
    expect(dividerSlider(store.state, session)).toBe(nothing);
    store.set({ compare: 10, compareMode: 'swipe' });
    render(dividerSlider(store.state, session), root);
    const slider = find<HTMLInputElement>('input');
    expect(slider.getAttribute('aria-valuetext')).toBe('50 percent A');
    slider.value = '20';
    slider.dispatchEvent(new Event('input'));
    expect(store.state.divider).toBe(0.1);
  });
});
