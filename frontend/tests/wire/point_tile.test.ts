// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { asFailure, fetchPoints } from '../../src/wire/api';
import { conceptEntry } from '../helpers/concept_fixtures';
import { binary, FakeServer } from '../helpers/fake_server';
import { type RawTensor, safetensors, smallAtlas, tensor } from '../helpers/wire_builder';

const atlas = smallAtlas({ concepts: [conceptEntry(4, 'cats', 3), conceptEntry(9, 'dogs', 2)] });
const REQUEST = `points?id=${atlas.series}&step=7&tile=3.0.7&v=0a1b2c3d`;
const POINTS = [
  ...[0, 65_534, 1, 3, 2, 0],
  ...[13_107, 26_214, 0, 0, 0, 1],
  ...[65_534, 0, 65_535, 2, 7, 0],
];

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
  server.install();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function respond(change: Record<string, RawTensor> = {}): void {
  const tensors = {
    hidden: tensor('I32', new Int32Array([12_345])),
    points: tensor('U16', new Uint16Array(POINTS), 3, 6),
    ...change,
  };
  server.set(REQUEST, () => binary(safetensors(tensors)));
}

const fetch = () => fetchPoints(atlas, '3.0.7', '0a1b2c3d');

describe('a tile of points', () => {
  it('is decoded to positions, classes, and concepts', async () => {
    respond();
    const tile = await fetch();
    expect(tile).toMatchObject({ count: 3, hidden: 12_345 });
    expect(tile.labels).toEqual(new Int32Array([0, -1, 65_534]));
    expect(tile.predictions).toEqual(new Int32Array([2, -1, 1]));
    expect(tile.concepts).toEqual(new Int32Array([9, -1, -1]));
    expect(tile.outside).toEqual(new Int32Array([0, 1, 0]));
    expect([...tile.xy]).toEqual(
      [0, 65_534 / 65_535, 0.2, 0.4, 65_534 / 65_535, 0].map(Math.fround),
    );
  });

  it('may be empty', async () => {
    respond({
      hidden: tensor('I32', new Int32Array([0])),
      points: tensor('U16', new Uint16Array(0), 0, 6),
    });
    expect(await fetch()).toMatchObject({ count: 0, hidden: 0 });
  });

  it.each([
    ['another type', { points: tensor('I32', new Int32Array(18), 3, 6) }],
    ['another shape', { points: tensor('U16', new Uint16Array(15), 3, 5) }],
    ['no count', { hidden: tensor('I32', new Int32Array(2)) }],
  ])('with %s is damage', async (_, change) => {
    respond(change);
    const failure = await fetch().then(() => null, asFailure);
    expect(failure).toMatchObject({ kind: 'damaged', request: REQUEST });
  });
});
