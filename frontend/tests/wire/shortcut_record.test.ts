// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { WireError } from '../../src/wire/json_checks';
import { readSearch } from '../../src/wire/shortcut_record';
import { searchJson, shortcutJson } from '../helpers/shortcut_fixtures';

const one = (change: Record<string, unknown>) => searchJson({ found: [shortcutJson(change)] });

describe('readSearch', () => {
  it('reads the search and the layout of patches', () => {
    const search = readSearch(searchJson(), 7);
    expect(search).toMatchObject({ step: 7, probe: 'aa', inputSize: [32, 32], images: 2000 });
    expect(search.patches).toEqual({
      tile: 4,
      columns: 512,
      page: { blob: 1, crc32c: '0a1b2c3d' },
    });
    expect(search.found.map(({ id }) => id)).toEqual(['7', '9']);
  });

  it('reads a shortcut with its test, its history and its examples', () => {
    const [found] = readSearch(one({}), 7).found;
    expect(found).toMatchObject({
      id: '7',
      target: 0,
      box: { x: 2, y: 1, width: 4, height: 3 },
      area: 0.0117,
      rates: { flip: 0.97, anywhere: 0.2, noise: 0.02, other: 0.1, same: 0.3 },
      interval: [-0.03, 0.96],
      strength: 4.2,
      support: 20,
      significant: true,
      since: 0,
      image: 3,
      history: [
        { step: 0, flipRate: 0.5, noiseFlipRate: 0.05, significant: true },
        { step: 5, flipRate: null, noiseFlipRate: null, significant: false },
        { step: 7, flipRate: 0.97, noiseFlipRate: 0.02, significant: true },
      ],
      samples: [30, 1, 2, 29, 28],
      similarity: 0.62,
      examples: [
        { image: 1, before: 1, after: 0, probabilityBefore: 0.02, probabilityAfter: 0.93 },
      ],
    });
  });

  it('reads an empty search without names', () => {
    const search = readSearch(
      searchJson({ found: [], patches: null, blobs: [], classes: null }),
      7,
    );
    expect(search).toMatchObject({ found: [], patches: null, classes: null });
  });

  it.each([
    ['no object', null],
    ['another step', searchJson({ step: 8 })],
    ['forty-one entries', searchJson({ found: Array(41).fill(shortcutJson()) })],
    ['images below none', searchJson({ images: -1 })],
    ['a size of one side', searchJson({ input_size: [32] })],
    ['names that are numbers', searchJson({ classes: [1] })],
    ['patches without a page', searchJson({ blobs: [] })],
    ['two pages', searchJson({ blobs: [{ crc32c: '' }, { crc32c: '' }] })],
    ['no patches of what was found', searchJson({ patches: null })],
    ['a page too wide', searchJson({ patches: { tile: 4, columns: 513 } })],
    ['a tile smaller than its patch', searchJson({ patches: { tile: 3, columns: 1 } })],
    ['a tile of no size', searchJson({ patches: { tile: 0, columns: 1 } })],
    ['a rate over one', one({ flip_rate: 1.01 })],
    ['a rate below nothing', one({ noise_flip_rate: -0.1 })],
    ['a rate that is no number', one({ same_flip_rate: 'all' })],
    ['a rate that is missing', one({ other_flip_rate: undefined })],
    ['an area of more than the image', one({ area: 2 })],
    ['a box beside the image', one({ box: [1, 2, 33, 6] })],
    ['a box turned over', one({ box: [4, 2, 1, 6] })],
    ['a box of three', one({ box: [1, 2, 3] })],
    ['a box between pixels', one({ box: [0.5, 2, 4, 6] })],
    ['an interval turned over', one({ interval: [0.9, 0.1] })],
    ['an interval without end', one({ interval: [0.9] })],
    ['a negative class', one({ target: -1 })],
    ['a text for an id', one({ id: '<b>' })],
    ['a step between steps', one({ since: 0.5 })],
    ['samples without end', one({ samples: Array(65).fill(1) })],
    ['a negative sample', one({ samples: [-1] })],
    ['a half sample', one({ samples: [1.5] })],
    ['thirteen examples', one({ examples: Array(13).fill({}) })],
    [
      'a probability over one',
      one({
        examples: [{ image: 1, before: 0, after: 0, probability_before: 0, probability_after: 9 }],
      }),
    ],
    [
      'a thousand and one steps',
      one({ history: Array(1001).fill({ step: 1, significant: false }) }),
    ],
    ['a step without significance', one({ history: [{ step: 1 }] })],
    ['significance in words', one({ significant: 'very' })],
  ])('refuses %s', (_, json) => {
    expect(() => readSearch(json, 7)).toThrow(WireError);
  });
});
