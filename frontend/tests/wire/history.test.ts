// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { readHistory } from '../../src/wire/history';
import { WireError } from '../../src/wire/json_reader';

describe('readHistory', () => {
  const step = { step: 3, status: 'damaged', reason: 'blob 2 is short', trustworthiness: null };

  it('reads the reason of a damaged step', () => {
    const history = readHistory({ logged: 300, kept: 200, steps: [step] });
    expect(history.steps.get(3)?.reason).toBe('blob 2 is short');
    expect([history.logged, history.kept]).toEqual([300, 200]);
    expect(history.steps.get(3)?.draft).toBe(false);
    const draft = readHistory({ logged: 1, kept: 1, steps: [{ ...step, edition: 'draft' }] });
    expect(draft.steps.get(3)?.draft).toBe(true);
  });

  it('reads checkpoints that were not computed, and does without', () => {
    const json = { logged: 1, kept: 1, steps: [] };
    expect(readHistory(json).skipped).toEqual([]);
    const skipped = [{ step: 30, reason: 'busy' }];
    expect(readHistory({ ...json, skipped }).skipped).toEqual(skipped);
  });

  it('refuses a status it does not know', () => {
    const json = { logged: 1, kept: 1, steps: [{ ...step, status: 'fine' }] };
    expect(() => readHistory(json)).toThrow(WireError);
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
  };

  it('reads events, tells none from not recorded, and does without', () => {
    const json = { logged: 1, kept: 1, steps: [] };
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
    });
  });

  it('reads steps that are larger than it can count, as the index gives them', () => {
    const huge = { ...step, step: 2 ** 63 };
    const events = [{ ...event, step: 2 ** 63, before_step: -(2 ** 63) }];
    const history = readHistory({ logged: 1, kept: 1, steps: [huge], events });
    expect(history.steps.get(2 ** 63)?.status).toBe('damaged');
    expect(history.events?.[0]?.beforeStep).toBe(-(2 ** 63));
  });

  it.each([
    ['a kind it does not know', { kind: 'explodes' }],
    ['a cell beside its grid', { cell: { grid: 10, row: 10, col: 0 } }],
    ['ids that are no numbers', { after: ['7'] }],
    ['a score that is none', { score: null }],
  ])('refuses %s', (_, change) => {
    const json = { logged: 1, kept: 1, steps: [], events: [{ ...event, ...change }] };
    expect(() => readHistory(json)).toThrow(WireError);
  });
});
