// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { nothing, render } from 'lit';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { highlightedIds } from '../../../src/domain/highlight';
import { EventList } from '../../../src/features/events/event_list';
import { eventMarks, findMarks } from '../../../src/features/timeline/event_marks';
import type { AtlasMap } from '../../../src/map/atlas_map';
import { chooseSide, jumpTo, sideOf } from '../../../src/state/go_to_event';
import type { Session } from '../../../src/state/session';
import { type State, Store } from '../../../src/state/store';
import { Failure } from '../../../src/wire/api';
import type { History, RunEvent } from '../../../src/wire/history';
import { series } from '../../helpers/two_step_fixtures';

const UNTRUSTED = '<img src=x onerror=alert(1)>\u202e\u0000';

function event(change: Partial<RunEvent> = {}): RunEvent {
  return {
    step: 40,
    kind: 'splits',
    text: 'cats split',
    score: 3,
    confidence: 0.8,
    beforeStep: 10,
    before: [4],
    after: [4, 9],
    cell: { size: 12, row: 2, col: 5 },
    samples: 31,
    ...change,
  };
}

function history(events: readonly RunEvent[] | null, more: Partial<History> = {}): History {
  const counts = { logged: 3, kept: 3, eventsFound: events?.length ?? 0 };
  const names = { concepts: null, groups: null };
  return { ...counts, ...names, skipped: [], steps: new Map(), events, ...more };
}

let store: Store;
let session: Session;
let flights: unknown[];
let map: AtlasMap;
let root: HTMLElement;
beforeEach(() => {
  store = new Store();
  store.set({ phase: 'ready', series, step: 40, eventList: true });
  session = {
    store,
    chooseStep: (step: number) => store.set({ step }),
  } as unknown as Session;
  flights = [];
  map = { flyTo: (camera: unknown) => flights.push(camera) } as unknown as AtlasMap;
  root = document.createElement('div');
  document.body.replaceChildren(root);
});

const buttons = () => [...root.querySelectorAll<HTMLElement>('button.event')];

function show(events: readonly RunEvent[] | null, more: Partial<History> = {}): EventList {
  const list = new EventList(session, map, draw);
  function draw(): void {
    render(list.render(store.state), root);
  }
  store.subscribe(draw);
  store.set({ history: history(events, more) });
  return list;
}

describe('a jump', () => {
  it('goes to the step, moves to the cell, and highlights the members', () => {
    store.set({ step: 0 });
    jumpTo(event(), session, map);
    expect(store.state).toMatchObject({ step: 40, pinned: { size: 12, row: 2, col: 5 } });
    expect(store.state.highlight?.event?.text).toBe('cats split');
    // Six of twelve cells are in view.
    expect(flights).toEqual([{ x: 5.5 / 12, y: 2.5 / 12, z: 2 }]);
  });

  it('goes to the step before when nothing is left after it', () => {
    const death = event({ kind: 'dies', after: [] });
    jumpTo(death, session, map);
    expect(store.state.step).toBe(10);
    expect(chooseSide({ ...store.state, series: { ...series, steps: [40] } }, death)).toBe('after');
  });

  it('stays where it is when an event has no place', () => {
    jumpTo(event({ cell: null }), session, map);
    expect(flights).toEqual([]);
  });

  it('lights the concepts of before until the event, then those of after', () => {
    const chosen = { ids: [4], name: 'x', event: event() };
    expect(highlightedIds(chosen, 10)).toEqual([4]);
    expect(highlightedIds(chosen, 40)).toEqual([4, 9]);
    expect(highlightedIds({ ...chosen, event: null }, 10)).toEqual([4]);
    expect([10, 40, 0].map((step) => sideOf(event(), step))).toEqual(['before', 'after', null]);
  });
});

describe('the list of events', () => {
  it('says why nothing can be loaded, and requests again', () => {
    const retry = vi.fn();
    Object.assign(session, { retry });
    const list = new EventList(session, map, () => {});
    render(list.render(store.state), root);
    expect(root.textContent).toContain('Loading events');
    store.set({ historyFailure: new Failure('internal', UNTRUSTED, 'history', 500) });
    render(list.render(store.state), root);
    expect(root.textContent).toContain('Events cannot be loaded.');
    expect(root.textContent).toContain('<img src=x');
    expect(root.querySelector('img')).toBeNull();
    root.querySelector<HTMLElement>('.events > .button')?.click();
    expect(retry).toHaveBeenCalledOnce();
  });

  it('shows nothing until it is opened', () => {
    store.set({ eventList: false });
    expect(new EventList(session, map, () => {}).render(store.state)).toBe(nothing);
  });

  it('says how to record events, and distinguishes none from not recorded', () => {
    show(null);
    expect(root.textContent).toContain('not recorded');
    expect(root.textContent).toContain('tensorboard-atlas events');
    store.set({ history: history([]) });
    expect(root.textContent).toContain('No events.');
    store.set({ history: history([], { kept: 1 }) });
    expect(root.textContent).toContain('only one so far');
  });

  it('shows untrusted sentences as text, and bounded', () => {
    show([event({ text: UNTRUSTED + 'x'.repeat(5000) })]);
    expect(root.querySelector('img')).toBeNull();
    const sentence = root.querySelector('.event-text')?.textContent ?? '';
    expect(sentence).toContain('<img src=x onerror=alert(1)>');
    expect(sentence).not.toContain('\u202e');
    expect(sentence.length).toBeLessThan(300);
  });

  it('ranks, or follows the run', () => {
    show([event({ text: 'great', step: 40 }), event({ text: 'small', step: 10 })]);
    const order = () => buttons().map((one) => one.querySelector('.event-text')?.textContent);
    expect(order()).toEqual(['great', 'small']);
    const inOrder = root.querySelector<HTMLInputElement>('input[value=time]');
    inOrder?.dispatchEvent(new Event('change'));
    expect(order()).toEqual(['small', 'great']);
  });

  it('toggles between before and after', () => {
    show([event()]);
    buttons()[0]?.click();
    expect(buttons()[0]?.getAttribute('aria-pressed')).toBe('true');
    const sides = () => [...root.querySelectorAll<HTMLButtonElement>('.sides button')];
    expect(sides().map((one) => one.getAttribute('aria-pressed'))).toEqual(['false', 'true']);
    sides()[0]?.click();
    expect(store.state.step).toBe(10);
    expect(sides().map((one) => one.getAttribute('aria-pressed'))).toEqual(['true', 'false']);
  });

  it('does not lead to a step that was not kept', () => {
    show([event({ beforeStep: 20 })]);
    buttons()[0]?.click();
    const [before] = root.querySelectorAll<HTMLButtonElement>('.sides button');
    expect(before?.disabled).toBe(true);
    expect(before?.title).toContain('not kept');
  });

  it('knows its choice again in a newer response of the server', () => {
    show([event()]);
    buttons()[0]?.click();
    store.set({ history: history([event()]) });
    expect(buttons()[0]?.getAttribute('aria-pressed')).toBe('true');
  });

  it('lists the first sixty, and the rest on request', () => {
    const many = Array.from({ length: 70 }, (_, i) => event({ text: `event ${i}` }));
    show(many, { eventsFound: 700 });
    expect(buttons()).toHaveLength(60);
    expect(root.textContent).toContain('70 of 700 events');
    [...root.querySelectorAll('button')]
      .find((one) => one.textContent?.includes('all 70'))
      ?.click();
    expect(buttons()).toHaveLength(70);
  });

  it('is walked by the arrow keys', () => {
    show([event({ text: 'a' }), event({ text: 'b' })]);
    buttons()[0]?.focus();
    const press = (key: string) =>
      document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    press('ArrowDown');
    expect(document.activeElement).toBe(buttons()[1]);
    press('ArrowDown');
    expect(document.activeElement).toBe(buttons()[1]);
    press('ArrowUp');
    expect(document.activeElement).toBe(buttons()[0]);
  });
});

describe('marks on the time line', () => {
  it('stand at the step of their most significant event', () => {
    const events = [event(), event({ kind: 'dies' }), event({ step: 10, kind: 'born' })];
    const marks = findMarks(events, series.steps);
    expect(marks.map(({ at, event: { kind } }) => [at, kind])).toEqual([
      [1, 'splits'],
      [0.5, 'born'],
    ]);
    expect(marks[0]?.events).toHaveLength(2);
  });

  it('give way to more significant ones, and leave out steps that are not there', () => {
    const steps = Array.from({ length: 201 }, (_, i) => i);
    const events = [100, 101, 103, 120, 999].map((step) => event({ step }));
    expect(findMarks(events, steps).map((mark) => mark.event.step)).toEqual([100, 120]);
  });

  it('describe the event in words, and jump', () => {
    const jump = vi.fn();
    const state = { ...store.state, history: history([event({ text: UNTRUSTED })]) } as State;
    render(eventMarks(state, jump), root);
    const mark = root.querySelector('button');
    expect(mark?.title).toContain('Step 40\nSplit: <img');
    mark?.click();
    expect(jump).toHaveBeenCalledOnce();
    render(eventMarks({ ...state, history: null }, jump), root);
    expect(root.querySelector('button')).toBeNull();
  });
});
