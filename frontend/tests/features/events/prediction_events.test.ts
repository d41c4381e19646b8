// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Highlight } from '../../../src/domain/display_types';
import { highlightedConcept, highlightedRows } from '../../../src/domain/highlight';
import { layOutStream } from '../../../src/domain/stream_layout';
import { EventList } from '../../../src/features/events/event_list';
import { placesOf } from '../../../src/features/selection/highlight_by_step';
import {
  highlightPill,
  highlightSentence,
  highlightTitle,
} from '../../../src/features/selection/highlight_pill';
import { eventMarks } from '../../../src/features/timeline/event_marks';
import type { AtlasMap } from '../../../src/map/atlas_map';
import { chooseSide, jumpTo, showSide } from '../../../src/state/go_to_event';
import { readHighlight, writeHighlight } from '../../../src/state/highlight_url';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import type { Atlas, Level } from '../../../src/wire/atlas';
import type { RunEvent } from '../../../src/wire/series_history';
import { conceptEvent, conceptHistory } from '../../helpers/history_fixtures';
import { series } from '../../helpers/two_step_fixtures';
import { smallAtlas, tensor } from '../../helpers/wire_builder';

const UNTRUSTED = '<img src=x onerror=alert(1)>\u202e';

/** At step 40, images of class 2 are predicted as class 1 and no longer as class 2. */
function flips(change: Partial<RunEvent> = {}): RunEvent {
  return {
    ...conceptEvent('flips', 40, [], []),
    text: '41 images of ship are now predicted as dog (6 the other way)',
    confidence: 1,
    beforeStep: 10,
    classes: [2, 2, 1],
    cell: { size: 12, row: 2, col: 5 },
    ...change,
  };
}

/** Labels are 0, 0, 1, 2, 2, 1. */
function atlasAt(step: number, predictions: readonly number[] | null, classes?: string[]): Atlas {
  const tensors = predictions
    ? { predictions: tensor('I32', new Int32Array(predictions)) }
    : undefined;
  return { ...smallAtlas(classes ? { classes } : {}, tensors), step, key: `s1/${step}` };
}

const BEFORE = atlasAt(10, [0, 0, 1, 2, 2, 1]);
const NOW = atlasAt(40, [0, 1, 1, 1, 2, 1]);
const LIT: Highlight = { ids: [], of: 'prediction', name: 'x', event: flips() };

let store: Store;
let session: Session;
let flights: unknown[];
let map: AtlasMap;
let root: HTMLElement;
beforeEach(() => {
  store = new Store();
  store.set({ phase: 'ready', series, step: 0, eventList: true });
  session = { store, chooseStep: (step: number) => store.set({ step }) } as unknown as Session;
  flights = [];
  map = { flyTo: (camera: unknown) => flights.push(camera) } as unknown as AtlasMap;
  root = document.createElement('div');
  document.body.replaceChildren(root);
});

const sentences = () =>
  [...root.querySelectorAll('.event-text')].map((one) => one.textContent ?? '');
const filters = () =>
  [...root.querySelectorAll<HTMLInputElement>('input[name=event-filter]')].map((one) => one.value);

function show(events: readonly RunEvent[], eventsFound = events.length): void {
  const list = new EventList(session, map, draw);
  function draw(): void {
    render(list.render(store.state), root);
  }
  store.subscribe(draw);
  store.set({ history: { ...conceptHistory({}, { events }), eventsFound } });
}

function choose(filter: string): void {
  root
    .querySelector(`input[name=event-filter][value=${filter}]`)
    ?.dispatchEvent(new Event('change'));
}

describe('a jump to a change of predictions', () => {
  it('goes to the step and the cell, and highlights its samples', () => {
    jumpTo(flips(), session, map);
    expect(store.state).toMatchObject({
      step: 40,
      pinned: { size: 12, row: 2, col: 5 },
      highlight: { of: 'prediction', event: { classes: [2, 2, 1] } },
    });
    expect(flights).toHaveLength(1);
  });

  it('shows the step after it, though it has no concepts there', () => {
    expect(chooseSide(store.state, flips())).toBe('after');
    expect(chooseSide(store.state, { ...flips(), kind: 'dies', classes: null })).toBe('before');
  });

  it('leaves the highlight of concept events as it was', () => {
    showSide(conceptEvent('splits', 40, [4], [4, 9]), 'after', session);
    expect(store.state.highlight).toEqual({
      ids: [4, 9],
      name: 'splits at 40',
      event: conceptEvent('splits', 40, [4], [4, 9]),
    });
  });
});

describe('the highlight of a change of predictions', () => {
  it('holds the samples with its label and its prediction at the shown step', () => {
    expect([...highlightedRows(NOW, LIT)]).toEqual([3]);
    expect([...highlightedRows(BEFORE, LIT)]).toEqual([3, 4]);
    const corrected = { ...LIT, event: flips({ classes: [2, 1, 2] }) };
    expect([...highlightedRows(NOW, corrected)]).toEqual([4]);
    expect([...highlightedRows(BEFORE, corrected)]).toEqual([]);
    expect(placesOf(NOW, 2, LIT)).toMatchObject({ samples: 1, cells: 1, outside: 0 });
  });

  it('is empty where predictions or the probe differ', () => {
    expect([...highlightedRows(atlasAt(40, null), LIT)]).toEqual([]);
    expect([...highlightedRows(NOW, { ...LIT, probe: 'bb' })]).toEqual([]);
    expect(highlightSentence(atlasAt(40, null), NOW.levels[0] as Level, LIT)).toBe(
      'No samples at step 40.',
    );
  });

  it('names both classes', () => {
    expect(highlightTitle(NOW, LIT)).toBe('ship predicted as dog');
    expect(highlightTitle(BEFORE, LIT)).toBe('ship predicted as ship');
    const unnamed = { ...LIT, event: flips({ classes: [7, 7, 8] }) };
    expect(highlightTitle(NOW, unnamed)).toBe('class 7 predicted as class 8');
  });

  it('holds all images of the class, if the confidence on it changed', () => {
    const event = flips({ kind: 'confidence', classes: [2] });
    for (const atlas of [BEFORE, NOW, atlasAt(40, null)]) {
      expect([...highlightedRows(atlas, { ...LIT, event })]).toEqual([3, 4]);
      expect(highlightTitle(atlas, { ...LIT, event })).toBe('images of ship');
    }
  });

  it('shows untrusted class names as short text', () => {
    const names = ['a', `${'b'.repeat(500)}`, UNTRUSTED];
    const atlas = atlasAt(40, [0, 1, 1, 1, 2, 1], names);
    render(highlightPill(atlas, atlas.levels[0] as Level, LIT, session), root);
    expect(root.querySelector('img')).toBeNull();
    const pill = root.querySelector('.highlight-pill');
    expect(pill?.getAttribute('aria-label')).toBe('Highlighted predictions');
    expect(pill?.textContent).toContain('<img src=x onerror=al… predicted as bbbb');
    expect(pill?.textContent).toContain('1 sample in 1 cell at step 40');
    expect(pill?.textContent).not.toContain('\u202e');
  });

  it('is no concept, and no link can describe it', () => {
    expect(highlightedConcept(LIT)).toBeNull();
    expect(writeHighlight(LIT)).toBe('');
    expect(readHighlight('prediction:3')).toBeNull();
  });
});

describe('the list of events', () => {
  const split = conceptEvent('splits', 40, [4], [4, 9]);

  it('names the kind of the event', () => {
    show([flips({ text: UNTRUSTED })]);
    expect(root.querySelector('.event-head strong')?.textContent).toBe('Predictions changed');
    // The sentence has the number of images.
    expect(root.querySelector('.number')?.textContent?.trim().replace(/\s+/g, ' ')).toBe('step 40');
    expect(root.querySelector('li')?.dataset.kind).toBe('flips');
    expect(root.querySelector('.glyph path')?.getAttribute('d')).toBeTruthy();
    expect(root.querySelector('.event-icons')).toBeNull();
    expect(root.querySelector<HTMLElement>('.sure')?.title).toContain('halves of the images');
    expect(root.querySelector('img')).toBeNull();
  });

  it('lists changes of confidence with those of predictions', () => {
    const event = flips({ kind: 'confidence', classes: [2], text: 'confidence on 90 images fell' });
    show([event, split]);
    expect(sentences()).toEqual([split.text]);
    choose('predictions');
    expect(sentences()).toEqual([event.text]);
    expect(root.querySelector('.event-head strong')?.textContent).toBe('Confidence changed');
  });

  it('is filtered by kind', () => {
    show([flips(), split], 20);
    expect(filters()).toEqual(['concepts', 'predictions', 'all']);
    expect(sentences()).toEqual([split.text]);
    expect(root.textContent).toContain('1 event');
    expect(root.textContent).not.toContain('of 20 events');
    choose('predictions');
    expect(sentences()).toEqual([flips().text]);
    choose('all');
    expect(sentences()).toEqual([flips().text, split.text]);
    expect(root.textContent).toContain('2 of 20 events');
  });

  it('has no filter if all events are of one kind, and lists them whatever was chosen', () => {
    show([flips(), split]);
    choose('predictions');
    store.set({ history: conceptHistory({}, { events: [split] }) });
    expect(filters()).toEqual([]);
    expect(sentences()).toEqual([split.text]);
    store.set({ history: conceptHistory({}, { events: [flips()] }) });
    expect(filters()).toEqual([]);
    expect(sentences()).toEqual([flips().text]);
  });

  it('shows both sides of a change of predictions', () => {
    show([flips()]);
    root.querySelector<HTMLElement>('button.event')?.click();
    const [before, after] = root.querySelectorAll<HTMLElement>('.sides button');
    expect(after?.getAttribute('aria-pressed')).toBe('true');
    before?.click();
    expect(store.state).toMatchObject({ step: 10, highlight: { of: 'prediction' } });
  });
});

it('a change of predictions has a mark on the timeline and none in the stream graph', () => {
  const history = conceptHistory({ 0: { 4: 5 }, 40: { 4: 5 } }, { events: [flips()] });
  render(
    eventMarks({ ...store.state, history }, () => {}),
    root,
  );
  expect(root.querySelector('button')?.title).toContain('Predictions changed: 41 images of ship');
  const stream = layOutStream(history, [0, 40], false);
  expect(stream?.ribbons).toHaveLength(1);
  expect(stream?.marks).toEqual([]);
});
