// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  type Compared,
  findSeriesA,
  findSideA,
  followLayer,
  isOtherSeries,
  type Side,
  writeSide,
} from '../../../src/domain/comparison/compared_series';
import type { RunEntry } from '../../../src/wire/manifest';
import { series } from '../../helpers/two_step_fixtures';

const own = (id: string, layer: string) => ({ ...series, id, layer });
const first: RunEntry = {
  id: 'r1',
  run: 'a/atlas',
  probe: true,
  series: [own('s1', 'layer3'), own('s2', 'layer4, late')],
};
const second: RunEntry = {
  id: 'r2',
  run: 'b; c/atlas',
  probe: true,
  series: [own('s3', 'layer3'), own('s4', 'layer4, late'), own('s5', '\ud800')],
};
const side = (run: RunEntry, at: number): Side => ({
  run,
  series: run.series[at] as typeof series,
});

function makeCompared(compareIn: string, compare: number | null = 10): Compared {
  return { compare, compareIn, runs: [first, second], ...side(first, 0) };
}

describe('A of a comparison', () => {
  it('is of the run and the layer of B, unless others are named', () => {
    expect(findSideA(makeCompared(''))).toEqual(side(first, 0));
    expect(isOtherSeries(makeCompared(''))).toBe(false);
    expect(findSeriesA({ ...makeCompared(''), run: null })?.id).toBe('s1');
    // Without a comparison, nothing is of another run.
    expect(findSeriesA(makeCompared('layer3,r2', null))?.id).toBe('s1');
  });

  it.each([0, 1, 2])('is found by the names that are written: %i', (at) => {
    const wanted = side(second, at);
    const text = writeSide(wanted);
    expect(text.split(',')).toHaveLength(2);
    expect(text).not.toContain(';');
    expect(findSideA(makeCompared(text))).toEqual(wanted);
    expect(isOtherSeries(makeCompared(text))).toBe(true);
  });

  it('is not B if B is named', () => {
    expect(isOtherSeries(makeCompared(writeSide(side(first, 0))))).toBe(false);
  });

  it.each(['layer9,r2', 'layer3,gone', 'layer3', ',', '%E0%A4,r2'])('is missing: %s', (text) => {
    expect(findSideA(makeCompared(text))).toBeNull();
    expect(findSeriesA(makeCompared(text))).toBeNull();
    expect(isOtherSeries(makeCompared(text))).toBe(true);
  });

  it('follows B to another layer, if it was of the same one', () => {
    const of = (at: number) => writeSide(side(second, at));
    expect(followLayer(makeCompared(of(0)), 'layer4, late')).toBe(of(1));
    expect(followLayer(makeCompared(of(1)), 'layer4, late')).toBe(of(1));
    expect(followLayer(makeCompared(of(0)), 'layer9')).toBe(of(0));
    expect(followLayer(makeCompared('layer9,r2'), 'layer4, late')).toBe('layer9,r2');
  });
});
