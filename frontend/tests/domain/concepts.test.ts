// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { conceptsIn, conceptsOf } from '../../src/domain/concepts';
import type { Level } from '../../src/wire/atlas';
import { smallAtlas, tensor } from '../helpers/wire_builder';

const line = (id: number, name: string) => ({
  ...{ id, name, size: 2, top_class: null, top_share: 0, born: 0, confidence: 1 },
  ...{ group: null, joined: null, left: null },
});
/** Cell 0 holds samples 0, 1 and 2, of the concepts 4, 4 and 9; cell 1 holds 3 and 4: -1 and 9. */
const ids = { concepts: tensor('I32', new Int32Array([4, 4, 9, -1, 9, 4])) };
const atlas = smallAtlas({ concepts: [line(4, 'cats'), line(9, 'dogs')] }, ids);
const level = atlas.levels[0] as Level;

describe('concepts', () => {
  it('are null where they were not traced', () => {
    expect(conceptsOf(smallAtlas())).toBeNull();
    expect(conceptsIn(smallAtlas(), level, 0)).toBeNull();
  });

  it('of a cell come by their share of its members', () => {
    const found = conceptsIn(atlas, level, 0)?.map((one) => [one.concept.name, one.count]);
    expect(found).toEqual([
      ['cats', 2],
      ['dogs', 1],
    ]);
    expect(conceptsIn(atlas, level, 1)?.[0]).toMatchObject({ share: 0.5 });
  });
});
