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
import type { Atlas } from '../../../src/wire/atlas';
import type { History, RunEvent } from '../../../src/wire/series_history';
import { conceptHistory } from '../../helpers/history_fixtures';
import { series } from '../../helpers/two_step_fixtures';
import { smallAtlas, tensor } from '../../helpers/wire_builder';

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
    classes: null,
    ...change,
  };
}

function history(events: readonly RunEvent[] | null, more: Partial<History> = {}): History {
  const counts = { logged: 3, kept: 3, eventsFound: events?.length ?? 0 };
  const names = { concepts: null, groups: null };
  return { ...counts, ...names, skipped: [], steps: new Map(), events, ...more };
}

/** Two concepts, 4 and 5. */
function atlasWithConcepts(): Atlas {
  const concept = (id: number) => ({
    ...{ id, name: `one ${id}`, size: 3, top_class: null, top_share: 0, born: 0, confidence: 1 },
    ...{ group: null, joined: null, left: null },
  });
  const ids = tensor('I32', new Int32Array([4, 4, 4, 5, 5, 5]));
  return smallAtlas({ concepts: [concept(4), concept(5)] }, { concepts: ids });
}

const settle = () => new Promise((done) => setTimeout(done));

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

describe('an event of the list', () => {
  it('has the number of samples where it is known', () => {
    show([event(), event({ samples: null })]);
    const heads = buttons().map((one) => one.querySelector('.number')?.textContent?.trim());
    expect(heads.map((head) => head?.replace(/\s+/g, ' '))).toEqual([
      '31 samples · step 40',
      'step 40',
    ]);
  });

  it('is sure from a confidence of .75 on, unless the log is of an earlier version', () => {
    show([event({ confidence: 0.75 }), event({ confidence: 0.74 }), event({ samples: null })]);
    const sure = buttons().map((one) => one.querySelector<HTMLElement>('.sure')?.title);
    expect(sure).toEqual([
      'Confirmed by at least 15 of 20 random halves of the samples',
      undefined,
      undefined,
    ]);
  });

  it('has a head line on the shown step', () => {
    const list = conceptHistory({ 0: { 4: 5 }, 40: { 4: 5 } }, { events: [event()] });
    show([], list);
    expect(root.textContent).toContain(
      'At step 40, 25% of the samples changed concept by events, 3.1% by churn.',
    );
    store.set({ step: 10 });
    expect(root.textContent).not.toContain('changed concept');
  });

  /** The items that are in view, once they are watched. */
  function watchItems(): (seen: readonly number[]) => void {
    let notify: IntersectionObserverCallback = () => {};
    const items = new Set<Element>();
    class Watch {
      constructor(callback: IntersectionObserverCallback) {
        notify = callback;
      }
      observe(item: Element): void {
        items.add(item);
      }
    }
    vi.stubGlobal('IntersectionObserver', Watch);
    return (seen) => {
      const entries = [...items].map((target, i) => ({ target, isIntersecting: seen.includes(i) }));
      notify(entries as unknown as IntersectionObserverEntry[], {} as IntersectionObserver);
    };
  }

  it('has the icons of its concepts, of the steps of what is in view only', async () => {
    const see = watchItems();
    const loaded: number[] = [];
    const load = async (_: unknown, step: number) => {
      loaded.push(step);
      if (step === 0) throw new Error('torn');
      return { ...atlasWithConcepts(), step };
    };
    const icon = vi.fn(() => null);
    Object.assign(session, { loadAtlas: load, pages: { icon } });
    store.set({ shownLevel: 2 });
    show([event(), event({ step: 10, beforeStep: 0, before: [4], after: [] })]);
    const content = (i: number) =>
      [...(buttons()[i]?.querySelectorAll('.frame-icon') ?? [])].map((one) => one.textContent);
    expect(loaded).toEqual([]);
    expect(content(0)).toEqual(['…', '…', '…']);
    see([0]);
    for (let i = 0; i < 9; i++) await settle();
    expect(loaded).toEqual([10, 40]);
    expect(content(0)).toEqual(['', '', '–']);
    expect(icon).toHaveBeenCalled();
    see([1]);
    for (let i = 0; i < 9; i++) await settle();
    expect(loaded).toEqual([10, 40, 0]);
    expect(content(1)).toEqual(['damaged']);
  });

  it('has no icons without concepts', () => {
    show([event({ before: [], after: [] })]);
    expect(root.querySelector('.event-icons')).toBeNull();
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

  it('show changes of predictions only at steps without other events', () => {
    const flips = (step: number) =>
      event({ step, kind: 'flips', score: 900, classes: [0, 0, 1], text: `flips at ${step}` });
    const marks = findMarks([flips(100), flips(300), event({ step: 100 })], [0, 100, 200, 300]);
    expect(marks.map((mark) => [mark.event.step, mark.event.kind])).toEqual([
      [100, event().kind],
      [300, 'flips'],
    ]);
    expect(marks[0]?.events).toHaveLength(2);
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
