// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { findMerges, linksBetween } from '../../../src/domain/comparison/layer_links';
import { activationsOf, EACH, layerLevelOf, repeat } from '../../helpers/layer_fixtures';

const HALF = EACH / 2;
/** Half of group 0 and half of group 1 become group 3. */
const CHANGED = [...repeat([0, 3], HALF), ...repeat([1, 3], HALF)];

describe('links between two layers', () => {
  it('are those of `link_layers`: each cell feeds the cells that hold its samples', () => {
    const lower = layerLevelOf(repeat([0, 1, 2], EACH));
    const upper = layerLevelOf([...CHANGED, ...repeat([2], EACH)], { layer: 'late' });
    const { links, samples } = linksBetween(lower, upper);
    expect(samples).toBe(90);
    // Cells of the upper layer: 0, 1, 2 and 3 of groups 0, 1, 2 and 3. Half of the new one is group
    // 0, where chance gives a third: not sure enough.
    expect(links).toEqual([
      { lower: 2, upper: 2, shared: 30, feeds: 1, fed: 1 },
      { lower: 0, upper: 0, shared: 15, feeds: 0.5, fed: 1 },
      { lower: 1, upper: 1, shared: 15, feeds: 0.5, fed: 1 },
    ]);
  });

  it('leave out what fewer than three samples say', () => {
    const groups = [0, 0, ...repeat([1, 2], EACH)];
    const { links } = linksBetween(layerLevelOf(groups), layerLevelOf(groups, { layer: 'late' }));
    expect(links).toEqual([
      { lower: 1, upper: 1, shared: 30, feeds: 1, fed: 1 },
      { lower: 2, upper: 2, shared: 30, feeds: 1, fed: 1 },
    ]);
  });

  it('count only samples in a cell of both', () => {
    const lower = layerLevelOf(repeat([0, 1], EACH));
    const upper = layerLevelOf(repeat([0, 1], EACH), { layer: 'late' });
    upper.level.cellOf.fill(-1, 0, 10);
    const { samples, links } = linksBetween(lower, upper);
    expect(samples).toBe(50);
    expect(links[1]).toEqual({ lower: 0, upper: 0, shared: 20, feeds: 1, fed: 1 });
  });
});

describe('merges across depth', () => {
  const others = repeat([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], EACH);
  const before = [...repeat([0, 1], EACH), ...others];
  const after = [...CHANGED, ...others];
  const labels = after.map((group, row) => (group === 3 ? 2 : (before[row] as number)));
  const lower = layerLevelOf(before, { labels });
  const upper = layerLevelOf(after, { labels, layer: 'late' });

  it('finds that sand and water become a sandbar, as `link_layers` does', () => {
    const merges = findMerges(lower, upper, activationsOf(before));
    expect(merges).toHaveLength(1);
    const [merge] = merges;
    expect(merge).toMatchObject({ cell: 2, label: 2, purity: 1, partPurity: 0.5 });
    expect(merge?.parts).toEqual([
      { cell: 0, share: 0.5 },
      { cell: 1, share: 0.5 },
    ]);
    // Of 14 directions at right angles, less their mean, any two have the cosine -1/13.
    expect(merge?.score).toBeCloseTo(15 * (1 + 1 / 13) * 0.5, 4);
  });

  it('finds it without labels, too', () => {
    const [bare, late] = [layerLevelOf(before), layerLevelOf(after, { layer: 'late' })];
    expect(findMerges(bare, late, activationsOf(before))).toMatchObject([{ cell: 2, label: null }]);
  });

  it('does not merge neighboring cells of one kind', () => {
    expect(findMerges(lower, upper, activationsOf(before, { 1: 0 }))).toEqual([]);
  });

  it('finds none where no class is the cell’s own', () => {
    const plain = labels.map(() => 0);
    const [one, two] = [
      layerLevelOf(before, { labels: plain }),
      layerLevelOf(after, { labels: plain }),
    ];
    expect(findMerges(one, two, activationsOf(before))).toEqual([]);
  });

  it('reads a layer against itself as nothing but itself', () => {
    const again = layerLevelOf(before, { labels });
    expect(findMerges(lower, again, activationsOf(before))).toEqual([]);
    expect(linksBetween(lower, again).links.every(({ feeds }) => feeds === 1)).toBe(true);
  });

  it('leaves out rows that are not finite', () => {
    const activations = activationsOf(before);
    activations.values.fill(Number.NaN, 0, 10 * activations.width);
    const [merge] = findMerges(lower, upper, activations);
    expect(merge?.score).toBeGreaterThan(7);
  });
});
