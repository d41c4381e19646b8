// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  HEIGHT,
  layOutStream,
  middleOf,
  nearestColumn,
  REST,
  type Ribbon,
  type Stream,
} from '../../src/domain/stream_layout';
import type { History } from '../../src/wire/series_history';
import { conceptEvent, conceptHistory } from '../helpers/history_fixtures';

function layOut(history: History, isGrouped = false): Stream {
  const stream = layOutStream(history, [...history.steps.keys()], isGrouped);
  if (stream === null) throw new Error('nothing to lay out');
  return stream;
}

function ribbonOf({ ribbons }: Stream, id: number): Ribbon {
  const found = ribbons.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no ribbon ${id}`);
  return found;
}

const idsOf = ({ ribbons }: Stream) => ribbons.map(({ id }) => id);

/** Numbers of a path, in pairs. */
function pointsOf(path: string): [number, number][] {
  const numbers = (path.match(/-?[\d.]+/g) ?? []).map(Number);
  return numbers.flatMap((x, i) => (i % 2 === 0 ? [[x, numbers[i + 1] as number]] : []));
}

describe('sizes', () => {
  it('are stacked to the same height at every step', () => {
    const stream = layOut(conceptHistory({ 0: { 1: 30, 2: 10 }, 10: { 1: 5, 2: 15 } }));
    expect(stream.ribbons.map(({ tops, bottoms }) => [tops, bottoms])).toEqual([
      [
        [0, 0],
        [750, 250],
      ],
      [
        [750, 250],
        [HEIGHT, HEIGHT],
      ],
    ]);
    expect(middleOf(ribbonOf(stream, 2), 0)).toBe(875);
  });

  it('leave the samples in no concept for a last ribbon', () => {
    const stream = layOut(conceptHistory({ 0: { 1: 30 }, 10: { 1: 40 } }, { samples: 40 }));
    expect(idsOf(stream)).toEqual([1, REST]);
    expect(ribbonOf(stream, REST)).toMatchObject({ sizes: [10, 0], first: 0, last: 0 });
    expect(ribbonOf(stream, REST).name).toBe('in no concept');
  });

  it('count more samples than the step if the concepts have more', () => {
    const stream = layOut(conceptHistory({ 0: { 1: 30 }, 10: { 1: 40 } }, { samples: 3 }));
    expect(stream.columns.map(({ samples }) => samples)).toEqual([30, 40]);
    expect(ribbonOf(stream, 1).bottoms).toEqual([HEIGHT, HEIGHT]);
  });

  it('are those of the steps that tracked concepts, at their place on the slider', () => {
    const history = conceptHistory({ 0: { 1: 3 }, 10: null, 20: { 1: 4 } });
    expect(layOut(history).columns).toEqual([
      { step: 0, at: 0, samples: 3 },
      { step: 20, at: 2, samples: 4 },
    ]);
    expect(layOut(history).width).toBe(200);
    expect(pointsOf(ribbonOf(layOut(history), 1).path)[0]).toEqual([0, 0]);
    expect(pointsOf(ribbonOf(layOut(history), 1).path)[3]).toEqual([200, 0]);
  });

  it('need two steps', () => {
    expect(layOutStream(conceptHistory({ 0: { 1: 3 } }), [0], false)).toBeNull();
    expect(layOutStream(conceptHistory({ 0: null, 10: null }), [0, 10], false)).toBeNull();
    expect(layOutStream(conceptHistory({ 0: {}, 10: {} }), [0, 10], false)).toBeNull();
    expect(layOutStream(conceptHistory({}), [0, 10], false)).toBeNull();
  });

  it('of a long run are thinned out, with both ends', () => {
    const steps = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [i, { 1: 5 }]));
    const { columns } = layOut(conceptHistory(steps));
    expect(columns.length).toBeLessThanOrEqual(161);
    expect([columns[0]?.at, columns.at(-1)?.at]).toEqual([0, 999]);
  });

  it('of too many concepts join those in none, smallest first', () => {
    const sizes = Object.fromEntries(Array.from({ length: 450 }, (_, i) => [i, 1 + i]));
    const stream = layOut(conceptHistory({ 0: sizes, 10: sizes }));
    expect(stream.ribbons).toHaveLength(401);
    expect(ribbonOf(stream, REST).sizes[0]).toBe((50 * 51) / 2);
    expect(idsOf(stream)).not.toContain(49);
  });

  it('of a concept without a name go by its number', () => {
    const history = { ...conceptHistory({ 0: { 7: 3 }, 10: { 7: 3 } }), concepts: [] };
    expect(ribbonOf(layOut(history), 7).name).toBe('concept 7');
  });
});

describe('the order', () => {
  it('is by group, then birth, then size', () => {
    const history = conceptHistory(
      { 0: { 1: 5, 2: 9, 3: 7 }, 10: { 1: 5, 2: 9, 3: 7, 4: 2 } },
      { groups: { 1: 0, 2: 1, 3: 0, 4: 0 } },
    );
    expect(idsOf(layOut(history))).toEqual([3, 1, 4, 2]);
  });

  it('puts concepts without a group, and samples in no concept, last', () => {
    const history = conceptHistory(
      { 0: { 1: 5, 2: 9 }, 10: { 1: 5, 2: 9 } },
      { groups: { 1: 3 }, samples: 20 },
    );
    expect(idsOf(layOut(history))).toEqual([1, 2, REST]);
  });

  it('puts what splits off right below its parent, the latest first', () => {
    const history = conceptHistory(
      { 0: { 1: 9, 2: 9 }, 10: { 1: 5, 2: 9, 3: 4 }, 20: { 1: 2, 2: 9, 3: 4, 4: 3 } },
      {
        events: [conceptEvent('splits', 10, [1], [1, 3]), conceptEvent('splits', 20, [1], [1, 4])],
      },
    );
    expect(idsOf(layOut(history))).toEqual([1, 4, 3, 2]);
  });

  it('keeps groups together where a concept splits into another group', () => {
    const history = conceptHistory(
      { 0: { 1: 9, 2: 9 }, 10: { 1: 5, 2: 9, 3: 4 } },
      { groups: { 1: 0, 2: 1, 3: 1 }, events: [conceptEvent('splits', 10, [1], [1, 3])] },
    );
    expect(idsOf(layOut(history))).toEqual([1, 2, 3]);
  });

  it('has gaps between groups that are the same at every step', () => {
    const history = conceptHistory(
      { 0: { 1: 9, 2: 9 }, 10: { 1: 2, 2: 16 } },
      { groups: { 1: 0, 2: 1 } },
    );
    const [upper, lower] = layOut(history).ribbons as [Ribbon, Ribbon];
    expect(lower.tops.map((top, i) => top - (upper.bottoms[i] as number))).toEqual([10, 10]);
    expect(lower.bottoms.map(Math.round)).toEqual([HEIGHT, HEIGHT]);
  });

  it('leaves most of the height to the samples, however many groups there are', () => {
    const ids = Array.from({ length: 300 }, (_, i) => i);
    const sizes = Object.fromEntries(ids.map((id) => [id, 1]));
    const groups = Object.fromEntries(ids.map((id) => [id, id]));
    const { ribbons } = layOut(conceptHistory({ 0: sizes, 10: sizes }, { groups }));
    const filled = ribbons.reduce(
      (sum, { tops, bottoms }) => sum + (bottoms[0] as number) - (tops[0] as number),
      0,
    );
    expect(filled).toBeCloseTo(0.9 * HEIGHT);
  });
});

describe('groups', () => {
  const history = conceptHistory(
    { 0: { 1: 5, 2: 9, 3: 7 }, 10: { 2: 9, 3: 7, 4: 5 } },
    {
      groups: { 1: 0, 2: 1, 3: 0 },
      samples: 30,
      events: [conceptEvent('born', 10, [], [4])],
    },
  );

  it('have the samples of their concepts', () => {
    const stream = layOut(history, true);
    expect(stream.ribbons.map(({ id, name, sizes }) => [id, name, sizes])).toEqual([
      [0, 'all of 0', [12, 7]],
      [1, 'all of 1', [9, 9]],
      [REST, 'in no concept', [9, 14]],
    ]);
    expect([...ribbonOf(stream, 0).concepts]).toEqual([1, 3]);
  });

  it('have no marks of events, which are of concepts', () => {
    expect(layOut(history, true).marks).toEqual([]);
    expect(layOut(history).marks).toHaveLength(1);
  });
});

describe('the outline', () => {
  it('goes along the upper edges and back along the lower ones', () => {
    const stream = layOut(conceptHistory({ 0: { 1: 30, 2: 10 }, 10: { 1: 5, 2: 15 } }));
    expect(ribbonOf(stream, 2).path).toBe(
      'M0 750C50 750 50 250 100 250L100 1000C50 1000 50 1000 0 1000Z',
    );
  });

  it('is level at every step, so that ribbons never cross', () => {
    const stream = layOut(
      conceptHistory({ 0: { 1: 30, 2: 10 }, 10: { 1: 5, 2: 15 }, 20: { 1: 9, 2: 1 } }),
    );
    const lowerEdge = ribbonOf(stream, 1).path.split('L')[1]?.split('Z')[0];
    const upperEdge = ribbonOf(stream, 2).path.slice(1).split('L')[0];
    expect(pointsOf(lowerEdge ?? '').reverse()).toEqual(pointsOf(upperEdge ?? ''));
  });

  const startOf = (stream: Stream, id: number) => pointsOf(ribbonOf(stream, id).path)[0];

  it('of a birth begins in a point at the step before', () => {
    const stream = layOut(
      conceptHistory(
        { 0: { 1: 30, 2: 10 }, 10: { 1: 30, 2: 5, 3: 5 } },
        { events: [conceptEvent('born', 10, [], [3])] },
      ),
    );
    expect(startOf(stream, 3)).toEqual([0, HEIGHT]);
    expect(pointsOf(ribbonOf(stream, 3).path).at(-1)).toEqual([0, HEIGHT]);
  });

  it('of an end ends in a point at the step after', () => {
    const { ribbons } = layOut(conceptHistory({ 0: { 1: 30, 2: 10 }, 10: { 1: 40 } }));
    expect(ribbons[1]?.path).toContain('100 1000L100 1000C');
    expect(ribbons[1]).toMatchObject({ first: 0, last: 0 });
  });

  const parts = { groups: { 1: 0, 2: 1, 3: 2, 4: 2 } };

  it('of a split begins at the near edge of its parent, in whatever group', () => {
    const before = { 1: 20, 2: 20, 4: 60 };
    const after = { 1: 20, 2: 10, 3: 10, 4: 60 };
    const down = layOut(
      conceptHistory(
        { 0: before, 10: after },
        { ...parts, events: [conceptEvent('splits', 10, [1], [1, 3])] },
      ),
    );
    expect(startOf(down, 3)?.[1]).toBeCloseTo(ribbonOf(down, 1).bottoms[0] as number, 0);
    const up = layOut(
      conceptHistory(
        { 0: { 2: 40, 4: 60 }, 10: { 1: 10, 2: 40, 4: 50 } },
        { ...parts, events: [conceptEvent('splits', 10, [4], [1, 4])] },
      ),
    );
    expect(startOf(up, 1)?.[1]).toBeCloseTo(ribbonOf(up, 4).tops[0] as number, 0);
  });

  it('of a merge ends at the edge of the concept that is left', () => {
    const stream = layOut(
      conceptHistory(
        { 0: { 1: 20, 2: 20, 4: 60 }, 10: { 1: 80, 2: 20 } },
        { ...parts, events: [conceptEvent('merges', 10, [1, 4], [1])] },
      ),
    );
    const edge = Math.round(10 * (ribbonOf(stream, 1).bottoms[1] as number)) / 10;
    expect(pointsOf(ribbonOf(stream, 4).path)).toContainEqual([100, edge]);
  });

  it('has a shape for each stretch of steps of a concept that comes back', () => {
    const stream = layOut(
      conceptHistory({ 0: { 1: 5, 2: 5 }, 10: { 1: 10 }, 20: { 1: 10 }, 30: { 1: 5, 2: 5 } }),
    );
    expect(ribbonOf(stream, 2).path.match(/M/g)).toHaveLength(2);
    expect(ribbonOf(stream, 2)).toMatchObject({ first: 0, last: 3 });
    expect(ribbonOf(stream, 1).path.match(/M/g)).toHaveLength(1);
  });
});

describe('marks of events', () => {
  const marksOf = (history: History) =>
    layOut(history).marks.map(({ event, at, y }) => [event.kind, at, Math.round(y)]);

  it('are in the middle of what is new, and where something ends', () => {
    const history = conceptHistory(
      { 0: { 1: 50, 2: 50 }, 10: { 1: 30, 3: 20, 2: 50 }, 20: { 1: 40, 3: 60 } },
      {
        events: [
          conceptEvent('splits', 10, [1], [1, 3]),
          conceptEvent('dies', 20, [2], []),
          conceptEvent('merges', 20, [3, 2], [3]),
        ],
      },
    );
    expect(marksOf(history)).toEqual([
      ['splits', 1, 400],
      ['dies', 2, HEIGHT],
      ['merges', 2, HEIGHT],
    ]);
  });

  it('are left out where neither step nor concept is there', () => {
    const events = [conceptEvent('born', 99, [], [1]), conceptEvent('born', 10, [], [77])];
    expect(marksOf(conceptHistory({ 0: { 1: 5 }, 10: { 1: 5 } }, { events }))).toEqual([]);
    expect(marksOf({ ...conceptHistory({ 0: { 1: 5 }, 10: { 1: 5 } }), events: null })).toEqual([]);
  });

  it('are at the next step with concepts if their own has none', () => {
    const history = conceptHistory(
      { 0: { 1: 5 }, 10: null, 20: { 1: 3, 2: 2 } },
      { events: [conceptEvent('born', 10, [], [2])] },
    );
    expect(marksOf(history)).toEqual([['born', 2, 800]]);
  });
});

describe('the nearest column', () => {
  const stream = layOut(
    conceptHistory({ 0: { 1: 5, 2: 5 }, 10: null, 20: { 1: 10 }, 30: { 1: 10 } }),
  );

  it('is by the place on the slider', () => {
    const at = (place: number) => nearestColumn(stream.columns, place);
    expect([-5, 0.9, 1.1, 2.4, 2.6, 99].map(at)).toEqual([0, 0, 1, 1, 2, 2]);
  });

  it('has the given ribbon', () => {
    expect(nearestColumn(stream.columns, 1.9, ribbonOf(stream, 2))).toBe(0);
    expect(nearestColumn(stream.columns, 1.9, ribbonOf(stream, 1))).toBe(1);
  });
});
