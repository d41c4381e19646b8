// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { cropOfSample } from '../../src/domain/thumbnail_crop';
import { Cache } from '../../src/util/cache';
import { fraction, percent, plural, shorten } from '../../src/util/format';
import { WireError } from '../../src/wire/json_checks';
import type { Probe } from '../../src/wire/probe';
import { webpSize } from '../../src/wire/webp_size';
import { smallAtlas, tensor } from '../helpers/wire_builder';

describe('webpSize', () => {
  const header = (form: string, ...bytes: [number, number][]) => {
    const file = new Uint8Array(32);
    file.set(new TextEncoder().encode('RIFF'), 0);
    file.set(new TextEncoder().encode(`WEBP${form}`), 8);
    for (const [at, value] of bytes) file[at] = value;
    return file;
  };

  it('reads lossy, lossless and extended pictures', () => {
    const lossy = header('VP8 ', [26, 0x80], [27, 0x02], [28, 0xe0], [29, 0x01]);
    expect(webpSize(lossy)).toEqual({ width: 640, height: 480 });
    // Fourteen bits each, less one: 3 is 4 wide, 1 is 2 high.
    const lossless = header('VP8L', [20, 0x2f], [21, 3], [22, 1 << 6]);
    expect(webpSize(lossless)).toEqual({ width: 4, height: 2 });
    const extended = header('VP8X', [24, 0xff], [25, 0x07], [27, 0xff], [28, 0x03]);
    expect(webpSize(extended)).toEqual({ width: 2048, height: 1024 });
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['a PNG', new Uint8Array(64).fill(0x89)],
    ['an unknown form', header('ANIM')],
  ])('refuses %s', (_what, bytes) => {
    expect(() => webpSize(bytes)).toThrow(WireError);
  });
});

describe('cropOfSample', () => {
  const boxes = new Int32Array(24);
  boxes.set([8, 0, 24, 16], 0);
  boxes.set([-8, 24, 8, 48], 4);
  const atlas = smallAtlas({}, { boxes: tensor('I32', boxes, 6, 4) });
  const probe = {
    manifest: { tile: 16, columns: 2, inputSize: [32, 32], thumbSize: [16, 16] },
    placeOf: new Map([
      [10, 6],
      [11, 1],
    ]),
  } as unknown as Probe;

  it('scales the box from input to thumbnail, on the right tile of the right page', () => {
    expect(cropOfSample(atlas, probe, 0)).toEqual({
      page: 1,
      image: { x: 0, y: 16, width: 16, height: 16 },
      patch: { x: 0, y: 20, width: 8, height: 8 },
    });
  });

  it('clips boxes that reach over the rim', () => {
    expect(cropOfSample(atlas, probe, 1)?.patch).toEqual({ x: 28, y: 0, width: 4, height: 4 });
  });

  it('has nothing for an image that the probe lacks', () => {
    expect(cropOfSample(atlas, probe, 2)).toBeNull();
  });
});

describe('Cache', () => {
  const weigh = (value: string) => value.length;

  it('requests once what it has', async () => {
    const cache = new Cache<string>(100, weigh);
    let requests = 0;
    const fetch = async () => `response ${++requests}`;
    expect(await cache.load('a', fetch)).toBe('response 1');
    expect(await cache.load('a', fetch)).toBe('response 1');
    expect(cache.peek('a')).toBe('response 1');
  });

  it('requests once what several wait for', async () => {
    const cache = new Cache<string>(100, weigh);
    let requests = 0;
    const fetch = async () => `response ${++requests}`;
    const all = await Promise.all([1, 2, 3].map(() => cache.load('a', fetch)));
    expect(all).toEqual(['response 1', 'response 1', 'response 1']);
    expect(requests).toBe(1);
  });

  it('removes what was not used for the longest time', async () => {
    const cache = new Cache<string>(10, weigh);
    await cache.load('a', async () => 'aaaa');
    await cache.load('b', async () => 'bbbb');
    cache.peek('a');
    await cache.load('c', async () => 'cccc');
    expect(cache.peek('b')).toBeNull();
    expect(cache.peek('a')).toBe('aaaa');
    expect(cache.peek('c')).toBe('cccc');
  });

  it('keeps the newest even when it alone exceeds the budget', async () => {
    const cache = new Cache<string>(3, weigh);
    await cache.load('a', async () => 'aaaa');
    expect(cache.peek('a')).toBe('aaaa');
  });

  it('keeps a newer value when an older fetch of its key fails late', async () => {
    const cache = new Cache<string>(10, weigh);
    let fail = (_: Error) => {};
    const late = cache.load('a', () => new Promise((_, reject) => (fail = reject)));
    cache.clear();
    expect(await cache.load('a', async () => 'new')).toBe('new');
    fail(new Error('late'));
    await expect(late).rejects.toThrow('late');
    expect(cache.peek('a')).toBe('new');
  });

  it('forgets failures, so that a retry requests again', async () => {
    const cache = new Cache<string>(10, weigh);
    await expect(cache.load('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await cache.load('a', async () => 'yes')).toBe('yes');
  });
});

describe('format', () => {
  it('writes numbers as people read them', () => {
    expect([percent(0), percent(0.0004), percent(0.043), percent(0.785), percent(1)]).toEqual([
      '0%',
      '<0.1%',
      '4.3%',
      '79%',
      '100%',
    ]);
    expect([fraction(0.954), fraction(1), fraction(-0.2)]).toEqual(['.95', '1.00', '-.20']);
    expect([plural(1, 'step'), plural(1200, 'step')]).toEqual(['1 step', '1,200 steps']);
  });

  it('shortens names by characters and keeps them on one line', () => {
    expect(shorten('abc', 3)).toBe('abc');
    expect(shorten('abcd', 3)).toBe('ab…');
    expect(shorten('a\n\u0000b', 10)).toBe('a b');
    expect(shorten('a\u202eb\u2066c', 10)).toBe('abc');
    expect(shorten('😀😀😀', 2)).toBe('😀…');
    // Halves of characters, and what no XML may hold.
    expect(shorten('a\ud800b\ufffe\uffffc', 10)).toBe('a b c');
    expect([...shorten('x'.repeat(1e6), 50)]).toHaveLength(50);
  });
});
