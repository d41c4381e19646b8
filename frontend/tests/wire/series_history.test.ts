// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { WireError } from '../../src/wire/json_checks';
import { readHistory } from '../../src/wire/series_history';

describe('readHistory', () => {
  const step = {
    step: 3,
    wall_time: 0,
    revision: 'logged',
    sequence: null,
    status: 'damaged',
    reason: 'blob 2 is short',
    trustworthiness: null,
    neighbors_kept: null,
    samples: null,
    concepts: null,
  };
  const json = {
    ...{ id: 's', logged: 1, kept: 1, steps: [], skipped: [] },
    ...{ events: null, events_found: 0, concepts: null, groups: null },
  };

  it('reads the reason of a damaged step', () => {
    const history = readHistory({ ...json, logged: 300, kept: 200, steps: [step] });
    expect(history.steps.get(3)?.reason).toBe('blob 2 is short');
    expect([history.logged, history.kept]).toEqual([300, 200]);
    expect(history.steps.get(3)?.preliminary).toBe(false);
    const preliminary = readHistory({ ...json, steps: [{ ...step, revision: 'preliminary' }] });
    expect(preliminary.steps.get(3)?.preliminary).toBe(true);
  });

  it('reads skipped steps', () => {
    expect(readHistory(json).skipped).toEqual([]);
    const skipped = [{ step: 30, reason: 'busy' }];
    expect(readHistory({ ...json, skipped }).skipped).toEqual(skipped);
  });

  it('refuses a status it does not know', () => {
    const steps = [{ ...step, status: 'fine' }];
    expect(() => readHistory({ ...json, steps })).toThrow(WireError);
  });

  const event = {
    step: 10,
    kind: 'splits',
    text: 'cats split',
    score: 2,
    confidence: 0.5,
    before_step: 0,
    before: [3],
    after: [3, 7],
    cell: { grid: 10, row: 1, col: 9 },
    samples: 31,
    classes: null,
  };

  it('reads events, distinguishes none from not recorded', () => {
    expect(readHistory(json)).toMatchObject({ events: null, eventsFound: 0 });
    expect(readHistory({ ...json, events: [] }).events).toEqual([]);
    const { events, eventsFound } = readHistory({ ...json, events: [event], events_found: 9 });
    expect(eventsFound).toBe(9);
    expect(events?.[0]).toEqual({
      step: 10,
      kind: 'splits',
      text: 'cats split',
      score: 2,
      confidence: 0.5,
      beforeStep: 0,
      before: [3],
      after: [3, 7],
      cell: { size: 10, row: 1, col: 9 },
      samples: 31,
      classes: null,
    });
  });

  it('reads the classes of a change of predictions', () => {
    const flips = { ...event, kind: 'flips', before: [], after: [], classes: [2, 2, 5] };
    const [first] = readHistory({ ...json, events: [flips] }).events ?? [];
    expect(first).toMatchObject({ kind: 'flips', classes: [2, 2, 5] });
  });

  it('reads the concepts of a step, their names and their groups', () => {
    const concepts = { ids: [7, 3], sizes: [9, 4], by_events: 0.25, by_churn: null };
    const names = [{ id: 3, name: 'cat 1', group: 0 }];
    const groups = [{ id: 0, name: 'animals' }];
    const steps = [{ ...step, samples: 20, concepts }];
    const history = readHistory({ ...json, steps, concepts: names, groups });
    expect(history.steps.get(3)).toMatchObject({
      samples: 20,
      concepts: { ids: [7, 3], sizes: [9, 4], byEvents: 0.25, byChurn: null },
    });
    expect(history).toMatchObject({ concepts: names, groups });
    expect(readHistory({ ...json, steps: [step] })).toMatchObject({ concepts: null, groups: null });
  });

  it('refuses concepts without a size', () => {
    const concepts = { ids: [7, 3], sizes: [9], by_events: null, by_churn: null };
    const read = () => readHistory({ ...json, steps: [{ ...step, concepts }] });
    expect(read).toThrow(WireError);
  });

  it('reads steps that are larger than it can count, as the index contains them', () => {
    const huge = { ...step, step: 2 ** 63 };
    const events = [{ ...event, step: 2 ** 63, before_step: -(2 ** 63) }];
    const history = readHistory({ ...json, steps: [huge], events });
    expect(history.steps.get(2 ** 63)?.status).toBe('damaged');
    expect(history.events?.[0]?.beforeStep).toBe(-(2 ** 63));
  });

  it.each([
    ['a kind it does not know', { kind: 'explodes' }],
    ['a cell beside its grid', { cell: { grid: 10, row: 10, col: 0 } }],
    ['ids that are no numbers', { after: ['7'] }],
    ['a score that is none', { score: null }],
    ['no classes', { classes: [] }],
    ['four classes', { classes: [1, 2, 3, 4] }],
    ['a class that is no number', { classes: [1, 'cat', 2] }],
  ])('refuses %s', (_, change) => {
    const events = [{ ...event, ...change }];
    expect(() => readHistory({ ...json, events })).toThrow(WireError);
  });
});
