// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { conceptColor } from '../../../src/domain/concept_colors';
import { StreamController } from '../../../src/features/stream_graph/stream_controller';
import type { AtlasMap } from '../../../src/map/atlas_map';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import { Failure } from '../../../src/wire/api';
import type { History } from '../../../src/wire/series_history';
import { conceptEvent, conceptHistory } from '../../helpers/history_fixtures';
import { series } from '../../helpers/two_step_fixtures';

const UNTRUSTED = '<img src=x onerror=alert(1)>\u202e\u0000';
const SPLIT = conceptEvent('splits', 10, [4], [4, 9]);
const RUN = conceptHistory(
  { 0: { 4: 30, 5: 10 }, 10: { 4: 18, 9: 12, 5: 10 }, 40: { 4: 20, 9: 20 } },
  { events: [SPLIT], groups: { 4: 0, 9: 0, 5: 1 }, samples: 50 },
);

class FakeObserver {
  readonly observe = vi.fn();
}

let store: Store;
let map: HTMLElement;
let frame: ShadowRoot;
let root: HTMLElement;
let forwarded: string[];

beforeEach(() => {
  vi.stubGlobal('ResizeObserver', FakeObserver);
  store = new Store();
  store.set({ phase: 'ready', series, step: 10, stream: 'concepts', history: RUN });
  const host = document.createElement('div');
  document.body.replaceChildren(host);
  frame = host.attachShadow({ mode: 'open' });
  map = document.createElement('div');
  map.tabIndex = 0;
  forwarded = [];
  map.addEventListener('keydown', ({ key }) => forwarded.push(key));
  const track = document.createElement('i');
  track.className = 'track';
  track.getBoundingClientRect = () => ({ left: 240, width: 700 }) as DOMRect;
  root = document.createElement('div');
  frame.append(map, root, track);
});

function show(history: History | null = RUN): StreamController {
  store.set({ history });
  const session = {
    store,
    chooseStep: (step: number) => store.set({ step }),
  } as unknown as Session;
  const camera = Object.assign(map, { flyTo: vi.fn() }) as unknown as AtlasMap;
  const controller = new StreamController(session, camera, draw);
  function draw(): void {
    render(controller.footer(store.state), root);
  }
  store.subscribe(draw);
  draw();
  return controller;
}

const all = (selector: string) => [...root.querySelectorAll<HTMLElement>(selector)];
const one = (selector: string) => all(selector)[0] as HTMLElement;
const ribbon = (id: number) => one(`path[data-id="${id}"]`);
const button = (name: string) => one(`button[aria-label="${name}"]`);
const text = (selector = '.stream') => one(selector)?.textContent?.replace(/\s+/g, ' ').trim();

function point(kind: string, target: Element, share: number): void {
  const plot = one('.stream-plot');
  plot.getBoundingClientRect = () => ({ left: 100, width: 200 }) as DOMRect;
  target.dispatchEvent(
    new MouseEvent(kind, { bubbles: true, composed: true, clientX: 100 + 200 * share }),
  );
}

function press(key: string, more: KeyboardEventInit = {}): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more });
  one('.stream-plot').dispatchEvent(event);
  return event;
}

describe('the panel', () => {
  it('is there while it is open', () => {
    show();
    expect(all('.stream')).toHaveLength(1);
    button('Close the stream graph').click();
    expect(store.state.stream).toBe('');
    expect(all('.stream')).toHaveLength(0);
  });

  it('gives the focus to the map when it closes', () => {
    show();
    one('.stream-plot').focus();
    button('Close the stream graph').click();
    expect(frame.activeElement).toBe(map);
  });

  it('has a ribbon for each concept in its color, groups together', () => {
    show();
    expect(all('path[data-id]').map(({ dataset }) => dataset.id)).toEqual(['4', '9', '5', '-1']);
    expect(ribbon(9).getAttribute('fill')).toBe(conceptColor(9, false));
    store.set({ dark: true });
    expect(ribbon(9).getAttribute('fill')).toBe(conceptColor(9, true));
  });

  it('summarizes the shown step', () => {
    show();
    expect(text('.stream-side p')).toBe(
      '3 concepts at step 10. 25% of the samples changed concept by events, 3.1% by churn.',
    );
    store.set({ step: 40 });
    expect(text('.stream-side p')).toContain('2 concepts at step 40.');
  });

  it('stands above the ticks of the slider', async () => {
    show();
    await Promise.resolve();
    const section = one('.stream');
    expect(section.style.getPropertyValue('--start')).toBe('240px');
    expect(section.style.getPropertyValue('--width')).toBe('700px');
    expect(section.classList.contains('narrow')).toBe(false);
  });

  it('marks the shown step, also one without concepts', () => {
    show();
    expect(one('.stream-now').style.left).toBe('50%');
    store.set({ step: 40 });
    expect(one('.stream-now').style.left).toBe('100%');
    store.set({ step: null });
    expect(all('.stream-now')).toHaveLength(0);
  });

  it('shows groups where the log has them', () => {
    show();
    one('input[value=groups]').dispatchEvent(new Event('change'));
    expect(store.state.stream).toBe('groups');
    expect(all('path[data-id]').map(({ dataset }) => dataset.id)).toEqual(['0', '1', '-1']);
    expect(text('.stream-side p')).toContain('2 groups at step 10.');
    store.set({ history: { ...RUN, groups: null } });
    expect(all('input[value=groups]')).toHaveLength(0);
    expect(all('path[data-id]')).toHaveLength(4);
  });

  it('says why there is nothing to show', () => {
    show(null);
    expect(text()).toContain('Loading');
    store.set({ historyFailure: new Failure('internal', UNTRUSTED, 'history', 500) });
    expect(text()).toContain('<img src=x');
    expect(root.querySelector('img')).toBeNull();
    store.set({ history: conceptHistory({ 0: { 1: 3 } }) });
    expect(text()).toContain('Only one step with concepts');
    store.set({ history: { ...conceptHistory({ 0: null }), concepts: null } });
    expect(text()).toContain('not tracked in this run');
    expect(text()).toContain('tensorboard-atlas events LOGDIR');
  });

  it('shows untrusted names as text', () => {
    const concepts = [{ id: 4, name: UNTRUSTED, group: null }];
    show({ ...RUN, concepts });
    point('pointermove', ribbon(4), 0);
    expect(text('.stream-tip')).toContain('<img src=x onerror=alert(1)>');
    expect(text('.stream-tip')).not.toContain('\u202e');
    expect(root.querySelector('img')).toBeNull();
  });
});

describe('the pointer', () => {
  it('names a ribbon, its size and its share at the nearest step', () => {
    show();
    point('pointermove', ribbon(9), 0.6);
    expect(text('.stream-tip')).toBe('name 9 12 samples, 24% at step 10 since step 10');
    expect(ribbon(9).classList.contains('pointed')).toBe(true);
    point('pointermove', ribbon(5), 0.9);
    expect(text('.stream-tip')).toBe('name 5 10 samples, 20% at step 10 until step 10');
    one('.stream-plot').dispatchEvent(new Event('pointerleave'));
    expect(all('.stream-tip')).toHaveLength(0);
  });

  it('goes to the step, and highlights the concept', () => {
    show();
    point('click', ribbon(9), 1);
    expect(store.state).toMatchObject({
      step: 40,
      highlight: { ids: [9], name: 'name 9', event: null },
    });
    point('click', ribbon(9), 0.5);
    expect(store.state).toMatchObject({ step: 10, highlight: { ids: [9] } });
    point('click', ribbon(9), 0.5);
    expect(store.state).toMatchObject({ step: 10, highlight: null });
  });

  it('highlights all concepts of a group', () => {
    store.set({ stream: 'groups' });
    show();
    point('click', ribbon(0), 0);
    expect(store.state.highlight).toEqual({ ids: [4, 9], name: 'all of 0', event: null });
  });

  it('only goes to the step on samples in no concept', () => {
    show();
    point('click', ribbon(-1), 1);
    expect(store.state).toMatchObject({ step: 40, highlight: null });
    point('click', one('.stream-plot'), 0);
    expect(store.state.step).toBe(40);
  });

  it('opens an event', () => {
    show();
    expect(one('.stream-mark').title).toBe('Split: splits at 10');
    one('.stream-mark').click();
    expect(store.state.highlight?.event).toEqual(SPLIT);
    expect(one('.stream-mark').classList.contains('chosen')).toBe(true);
  });
});

describe('a trail', () => {
  it('sets the ribbon of a highlighted concept off from the others', () => {
    show();
    expect(one('.stream-plot').classList.contains('trail')).toBe(false);
    store.set({ highlight: { ids: [9], name: 'x', event: null } });
    expect(one('.stream-plot').classList.contains('trail')).toBe(true);
    expect(all('path.lit').map(({ dataset }) => dataset.id)).toEqual(['9']);
    expect(text('.stream-side .stream-facts')).toContain('name 9');
    store.set({ highlight: { ids: [4], name: 'x', event: SPLIT } });
    expect(all('path.lit').map(({ dataset }) => dataset.id)).toEqual(['4', '9']);
  });

  it('shows the marks of its own events', () => {
    show();
    store.set({ highlight: { ids: [5], name: 'x', event: null } });
    expect(all('.stream-mark')).toHaveLength(0);
    store.set({ highlight: { ids: [9], name: 'x', event: null } });
    expect(all('.stream-mark')).toHaveLength(1);
  });

  it('is not of images', () => {
    show();
    store.set({ highlight: { ids: [9], of: 'image', name: 'x', event: null } });
    expect(all('path.lit')).toHaveLength(0);
  });
});

describe('the keys', () => {
  it('go from step to step', () => {
    show();
    press('ArrowRight');
    expect(store.state.step).toBe(40);
    press('ArrowRight');
    expect(store.state.step).toBe(40);
    press('Home');
    expect(store.state.step).toBe(0);
    press('ArrowLeft');
    expect(store.state.step).toBe(0);
    press('End');
    expect(store.state.step).toBe(40);
  });

  it('go from ribbon to ribbon of the step, and highlight one', () => {
    store.set({ step: 40 });
    show();
    press('Enter');
    expect(store.state.highlight).toBeNull();
    press('ArrowDown');
    press('ArrowDown');
    expect(store.state.said).toBe('name 9: 20 samples, 40% at step 40');
    expect(ribbon(9).classList.contains('pointed')).toBe(true);
    expect(text('.stream-side .stream-facts')).toContain('name 9');
    press('Enter');
    expect(store.state.highlight?.ids).toEqual([9]);
    press('Enter');
    expect(store.state.highlight).toBeNull();
    press('ArrowUp');
    press('ArrowUp');
    expect(store.state.said).toContain('name 4');
  });

  it('of the map act here, too, and others are left to the browser', () => {
    show();
    expect(press('j').defaultPrevented).toBe(true);
    expect(forwarded).toEqual(['j']);
    expect(press('Tab').defaultPrevented).toBe(false);
    expect(press('ArrowRight', { ctrlKey: true }).defaultPrevented).toBe(false);
    expect(forwarded).toEqual(['j']);
  });
});

describe('the table', () => {
  const rows = () => all('tbody tr').map((row) => row.textContent?.replace(/\s+/g, ' ').trim());

  it('has the sizes at the first, the shown and the last step, birth and end', () => {
    show();
    button('As a table').click();
    expect(all('thead th').map((head) => head.textContent)).toEqual([
      ...['Concept', 'Samples at step 0', 'Samples at step 10', 'Samples at step 40'],
      ...['First step', 'Ended at step'],
    ]);
    expect(rows()).toEqual([
      'name 4 30 60% 18 36% 20 40% 0 –',
      'name 9 – 12 24% 20 40% 10 –',
      'name 5 10 20% 10 20% – 0 40',
      'in no concept 10 20% 10 20% 10 20% 0 –',
    ]);
    store.set({ step: 40 });
    expect(all('thead th')).toHaveLength(5);
    button('As a table').click();
    expect(all('.stream-table')).toHaveLength(0);
  });

  it('highlights a concept', () => {
    show();
    button('As a table').click();
    const name = () => one('tbody button');
    name().click();
    expect(store.state.highlight?.ids).toEqual([4]);
    expect(name().getAttribute('aria-pressed')).toBe('true');
    name().click();
    expect(store.state.highlight).toBeNull();
  });

  it('is bounded', () => {
    const sizes = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [i, 1]));
    show(conceptHistory({ 0: sizes, 10: sizes }));
    button('As a table').click();
    expect(rows()).toHaveLength(200);
    expect(text('.stream-table > p')).toBe('and 100 smaller ones');
  });
});
