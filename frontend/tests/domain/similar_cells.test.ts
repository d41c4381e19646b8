// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { similarCells } from '../../src/domain/similar_cells';
import type { Activations } from '../../src/wire/activations';
import { drawAtlas } from '../helpers/concept_fixtures';

/** Two channels; the mean of the layer is (1, 1). */
function activationsOf(...rows: readonly (readonly [number, number])[]): Activations {
  return {
    width: 2,
    values: Float32Array.from(rows.flatMap(([x, y]) => [x + 1, y + 1])),
    mean: new Float32Array([1, 1]),
    channels: 2,
    kind: 'float16',
    axes: null,
    lostVariance: null,
  };
}

const { level } = drawAtlas(['ab', 'cd']);

describe('similar cells', () => {
  it('come by the cosine to the mean of the cell, relative to the mean of the layer', () => {
    const activations = activationsOf([1, 0], [0, 3], [2, 2], [-5, 0]);
    const found = similarCells(level, activations, 0, 8);
    expect(found.map(({ cell }) => cell)).toEqual([2, 1, 3]);
    expect(found.map(({ cosine }) => cosine)).toEqual([
      expect.closeTo(Math.SQRT1_2),
      expect.closeTo(0),
      expect.closeTo(-1),
    ]);
  });

  it('are as many as requested, and never the cell itself', () => {
    const activations = activationsOf([1, 0], [1, 0], [1, 0], [1, 0]);
    expect(similarCells(level, activations, 1, 2)).toEqual([
      { cell: 0, cosine: 1 },
      { cell: 2, cosine: 1 },
    ]);
  });

  it('are the same for each cell of a pair', () => {
    const activations = activationsOf([1, 2], [3, 1], [-2, 2], [-5, 1]);
    const cosine = (a: number, b: number) =>
      similarCells(level, activations, a, 8).find(({ cell }) => cell === b)?.cosine;
    expect(cosine(0, 3)).toBeCloseTo(cosine(3, 0) as number);
    expect(cosine(1, 2)).toBeCloseTo(cosine(2, 1) as number);
  });

  it('leave out cells without a direction, and values that are not finite', () => {
    const activations = activationsOf(
      [1, 0],
      [0, 0],
      [Number.NaN, 1],
      [1, Number.POSITIVE_INFINITY],
    );
    expect(similarCells(level, activations, 0, 8)).toEqual([
      { cell: 3, cosine: 1 },
      { cell: 2, cosine: 0 },
    ]);
    expect(similarCells(level, activations, 1, 8)).toEqual([]);
  });

  it('ignore samples that are in no cell', () => {
    const outside = { ...level, cellOf: Int32Array.from([0, 1, -1, 3]) };
    const activations = activationsOf([1, 0], [1, 0], [0, 5], [0, 1]);
    expect(similarCells(outside, activations, 0, 8).map(({ cell }) => cell)).toEqual([1, 3]);
  });

  it('use the mean of all samples of a cell', () => {
    const merged = { ...level, cellOf: Int32Array.from([0, 0, 2, 3]) };
    const activations = activationsOf([4, 0], [0, 4], [1, 1], [1, -1]);
    const [first] = similarCells(merged, activations, 0, 8);
    expect(first).toEqual({ cell: 2, cosine: expect.closeTo(1) });
  });
});
