// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { countIn, rowsOf } from '../../src/domain/sample_rows';
import type { Level } from '../../src/wire/atlas';
import { smallAtlas, tensor } from '../helpers/wire_builder';

/** Cell 0 holds samples 0, 1 and 2; cell 1 holds 3 and 4. */
const concepts = tensor('I32', new Int32Array([4, 4, 9, -1, 9, 4]));
const atlas = smallAtlas({}, { concepts });
const level = atlas.levels[0] as Level;

describe('rows of samples', () => {
  it('are those with one of the values', () => {
    expect([...rowsOf(atlas.concepts, [9])]).toEqual([2, 4]);
    expect([...rowsOf(atlas.concepts, [4, 9])]).toEqual([0, 1, 2, 4, 5]);
    expect([...rowsOf(null, [4])]).toEqual([]);
  });

  it('are counted by cell, but for those in no visible cell', () => {
    expect([...countIn(level, rowsOf(atlas.concepts, [4]))]).toEqual([2, 0]);
  });
});
