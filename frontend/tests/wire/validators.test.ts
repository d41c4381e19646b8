// SPDX-License-Identifier: Apache-2.0
/** The generated validators, and the checks that they are made of. */

import { describe, expect, it } from 'vitest';
import { MAX_CONCEPTS, MAX_GRIDS, MAX_SENTENCE } from '../../src/wire/generated/limits';
import { checkAtlasManifest } from '../../src/wire/generated/validators';
import { text, WireError } from '../../src/wire/json_checks';
import { smallManifest } from '../helpers/wire_builder';

const check = (change: Record<string, unknown>) =>
  checkAtlasManifest({ ...smallManifest(), ...change }, 'manifest');
const concept = {
  ...{ id: 0, name: 'cats', size: 3, top_class: null, top_share: 0, born: 0, confidence: 1 },
  ...{ group: null, joined: null, left: null },
};

describe('validators', () => {
  it('accept what the writer writes, unknown keys included', () => {
    expect(() => check({ concepts: [concept], later: 1 })).not.toThrow();
  });

  it('accept as much as the limits allow, and no more', () => {
    const grid = { size: 2, cells: 0, tile: null, columns: null };
    const grids = (count: number) => check({ grids: Array(count).fill(grid) });
    expect(() => grids(MAX_GRIDS)).not.toThrow();
    expect(() => grids(MAX_GRIDS + 1)).toThrow('manifest.grids is not a list of at most 16');
    const concepts = (count: number) => check({ concepts: Array(count).fill(concept) });
    expect(() => concepts(MAX_CONCEPTS)).not.toThrow();
    expect(() => concepts(MAX_CONCEPTS + 1)).toThrow(WireError);
  });

  it.each([
    ['manifest.step', { step: '7' }],
    ['manifest.classes[1]', { classes: ['cat', 7] }],
    ['manifest.concepts[0].id', { concepts: [{ ...concept, id: -1 }] }],
    ['manifest.concepts[0].top_share', { concepts: [{ ...concept, top_share: 1.5 }] }],
    ['manifest.activations.kind', { activations: { kind: 'zip', lost_variance: 0 } }],
    ['manifest.provenance', { provenance: [] }],
    ['manifest.events', { events: null }],
    ['manifest.viewport.x1', { viewport: { x0: 0, y0: 0, x1: null, y1: 1 } }],
  ])('name the field: %s', (path, change) => {
    expect(() => check(change)).toThrow(`${path} is not `);
  });

  it('count characters as Python does', () => {
    const cat = '\u{1f408}';
    const checkName = (name: string) => check({ concepts: [{ ...concept, name }] });
    expect(() => checkName(cat.repeat(MAX_SENTENCE))).not.toThrow();
    expect(() => checkName(cat.repeat(MAX_SENTENCE + 1))).toThrow(
      'text of at most 2000 characters',
    );
    expect(() => text(2)('abc', 'x', 'y')).toThrow('x.y is not text of at most 2 characters');
  });
});
