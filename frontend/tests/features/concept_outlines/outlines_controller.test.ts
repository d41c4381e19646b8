// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { FIT } from '../../../src/domain/camera';
import { conceptOutlines } from '../../../src/features/concept_outlines/concept_outlines_feature';
import type { Feature, FeatureContext } from '../../../src/features/feature';
import type { OverlayFrame } from '../../../src/map/overlay';
import { THEMES } from '../../../src/map/theme';
import { type State, Store } from '../../../src/state/store';
import type { Atlas } from '../../../src/wire/atlas';
import { drawAtlas, ID } from '../../helpers/concept_fixtures';
import { smallAtlas } from '../../helpers/wire_builder';

/** A map of 400 pixels from (200, 20) with the concept a at its left and b at its right. */
const viewport = { width: 800, height: 440 };
const { atlas } = drawAtlas(['ab', 'ab'], (letter) => `concept ${letter}`);
/** On the name of a, and on no name. */
const NAME = { offsetX: 300, offsetY: 120 };
const NOWHERE = { offsetX: 300, offsetY: 400 };

let store: Store;
let map: HTMLElement & { viewport: typeof viewport };
let feature: Feature;
let clicks: number;

beforeEach(() => {
  store = new Store();
  store.set({ atlas, shownLevel: 2, color: 'concept' });
  map = Object.assign(document.createElement('div'), { viewport });
  clicks = 0;
  map.addEventListener('click', () => clicks++);
  feature = conceptOutlines.create({ session: { store }, map } as unknown as FeatureContext);
});

/** Draws a frame as the map does; returns the names of the methods that it called. */
function draw(change: Partial<State> = {}, shown: Atlas = atlas): string[] {
  store.set(change);
  const calls: string[] = [];
  const context = new Proxy({} as CanvasRenderingContext2D, {
    get: (_target, property) => (text: unknown) => {
      calls.push(`${String(property)} ${text}`);
      return { width: 40 };
    },
    set: () => true,
  });
  const frame = {
    ...{ camera: FIT, viewport, ratio: 1, atlas: shown, level: shown.levels[0] },
    ...{ values: null, hover: null, pinned: null, painters: [], theme: THEMES.light },
  } as unknown as OverlayFrame;
  for (const paint of feature.marks?.(store.state) ?? []) paint(context, frame);
  return calls;
}

const said = (calls: readonly string[]) => calls.filter((call) => call.startsWith('fillText'));

function point(type: string, at: typeof NAME, change: MouseEventInit = {}): void {
  const event = new MouseEvent(type, { bubbles: true, cancelable: true, detail: 1, ...change });
  Object.defineProperties(event, {
    offsetX: { value: at.offsetX },
    offsetY: { value: at.offsetY },
  });
  map.dispatchEvent(event);
}

describe('borders and names of concepts', () => {
  it('are drawn while cells are colored by concept, or when switched on', () => {
    expect(said(draw())).toEqual(['fillText concept a', 'fillText concept b']);
    expect(draw({ outlines: 'off' })).toEqual([]);
    expect(draw({ color: 'icons', outlines: '' })).toEqual([]);
    expect(said(draw({ outlines: 'on' }))).toHaveLength(2);
  });

  it('are absent where concepts were not tracked', () => {
    expect(draw({}, smallAtlas())).toEqual([]);
  });

  it('are those of B at its side of a swipe', () => {
    const clips = (calls: readonly string[]) => calls.filter((call) => call.startsWith('rect'));
    expect(clips(draw())).toEqual(['rect 0']);
    expect(clips(draw({ compare: 3, compareMode: 'swipe' }))).toEqual(['rect 400']);
    expect(clips(draw({ compare: 3, compareMode: 'blink' }))).toEqual(['rect 0']);
  });

  it('leave the room of the inspector free', () => {
    draw({ pinned: { size: 2, row: 0, col: 0 } });
    // Only the name at the left of 800 − 332 pixels keeps its place.
    point('click', NAME);
    expect(store.state.highlight?.ids).toEqual([ID.a]);
    point('click', { offsetX: 500, offsetY: 120 });
    expect(clicks).toBe(1);
  });
});

describe('a click on a name', () => {
  it('highlights its concept, and ends the highlight; the map hears nothing of it', () => {
    draw();
    point('click', NAME);
    expect(store.state.highlight).toEqual({ ids: [ID.a], name: 'concept a', event: null });
    point('click', NAME);
    expect(store.state.highlight).toBeNull();
    expect(clicks).toBe(0);
  });

  it('beside all names is left to the map', () => {
    draw();
    point('click', NOWHERE);
    expect(store.state.highlight).toBeNull();
    expect(clicks).toBe(1);
  });

  it('with Shift or a selection tool is left to the map', () => {
    draw();
    point('click', NAME, { shiftKey: true });
    store.set({ tool: 'lasso' });
    point('click', NAME);
    expect(store.state.highlight).toBeNull();
    expect(clicks).toBe(2);
  });

  it('counts once where it is double', () => {
    draw();
    point('click', NAME);
    point('click', NAME, { detail: 2 });
    expect(store.state.highlight?.ids).toEqual([ID.a]);
    expect(clicks).toBe(0);
  });

  it('does nothing once the names are gone', () => {
    draw();
    draw({ outlines: 'off' });
    point('click', NAME);
    expect(store.state.highlight).toBeNull();
    expect(clicks).toBe(1);
  });
});

it('the pointer shows that a name can be clicked', () => {
  draw();
  point('pointermove', NAME);
  expect(map.style.cursor).toBe('pointer');
  point('pointermove', NAME, { buttons: 1 });
  expect(map.style.cursor).toBe('');
  point('pointermove', NAME);
  point('pointermove', NOWHERE);
  expect(map.style.cursor).toBe('');
});
