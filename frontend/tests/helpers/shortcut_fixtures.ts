// SPDX-License-Identifier: Apache-2.0
/** The response of `shortcuts`, which tests can then break. */

import { blobEntry } from './wire_builder';

type Json = Record<string, unknown>;

export function shortcutJson(change: Json = {}): Json {
  return {
    id: 7,
    target: 0,
    box: [1, 2, 4, 6],
    area: 0.0117,
    flip_rate: 0.97,
    anywhere_flip_rate: 0.2,
    noise_flip_rate: 0.02,
    other_flip_rate: 0.1,
    same_flip_rate: 0.3,
    interval: [-0.03, 0.96],
    strength: 4.2,
    support: 20,
    significant: true,
    since: 0,
    image: 3,
    history: [
      { step: 0, flip_rate: 0.5, noise_flip_rate: 0.05, significant: true },
      { step: 5, flip_rate: null, noise_flip_rate: null, significant: false },
      { step: 7, flip_rate: 0.97, noise_flip_rate: 0.02, significant: true },
    ],
    samples: [30, 1, 2, 29, 28],
    similarity: 0.62,
    examples: [
      { image: 1, before: 1, after: 0, probability_before: 0.02, probability_after: 0.93 },
    ],
    ...change,
  };
}

export function searchJson(change: Json = {}): Json {
  return {
    kind: 'shortcuts',
    version: 4,
    layer: 'layer3',
    step: 7,
    wall_time: 1,
    classes: ['cat', 'dog', 'ship'],
    probe: 'aa',
    input_size: [32, 32],
    images: 2000,
    patches: { tile: 4, columns: 512 },
    blobs: [blobEntry('patches', '0a1b2c3d')],
    found: [shortcutJson(), shortcutJson({ id: 9, target: 1, significant: false, since: null })],
    ...change,
  };
}
