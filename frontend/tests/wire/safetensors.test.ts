// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { WireError } from '../../src/wire/json_checks';
import { halfToFloat, readSafetensors } from '../../src/wire/safetensors';
import { rawSafetensors, safetensors, tensor } from '../helpers/wire_builder';

describe('readSafetensors', () => {
  it('returns arrays with their shapes', () => {
    const read = readSafetensors(
      safetensors({
        a: tensor('F32', new Float32Array([1, 2, 3, 4, 5, 6]), 2, 3),
        b: tensor('U8', new Uint8Array([7, 8, 9])),
        c: tensor('F16', new Uint16Array([0x3c00])),
      }),
    );
    expect([...read.float32('a', 2, 3)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...read.uint8('b', 3)]).toEqual([7, 8, 9]);
    expect([...read.half('c', 1)]).toEqual([0x3c00]);
    expect(read.has('d')).toBe(false);
  });

  it('reads arrays that are not aligned', () => {
    const file = safetensors(
      { pad: tensor('U8', new Uint8Array(3)), a: tensor('I32', new Int32Array([-5, 6])) },
      1,
    );
    expect([...readSafetensors(file).int32('a', 2)]).toEqual([-5, 6]);
  });

  it('begins at the given offset', () => {
    const file = new Uint8Array(safetensors({ a: tensor('I32', new Int32Array([9])) }));
    const shifted = new Uint8Array(16 + file.length);
    shifted.set(file, 16);
    expect([...readSafetensors(shifted.buffer, 16).int32('a', 1)]).toEqual([9]);
  });

  it('ignores metadata and a name from the prototype', () => {
    const read = readSafetensors(rawSafetensors('{"__metadata__":{"x":"y"}}'));
    expect(read.has('__metadata__')).toBe(false);
    expect(read.has('toString')).toBe(false);
  });

  const entry = (shape: string, offsets: string, dtype = '"F32"') =>
    rawSafetensors(`{"a":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}}`);

  it.each([
    ['nothing', new ArrayBuffer(0)],
    ['a length beyond the data', new BigUint64Array([1000n]).buffer],
    ['a length beyond 32 bits', new BigUint64Array([1n << 40n, 0n]).buffer],
    ['a header that is not JSON', rawSafetensors('{')],
    ['a header that is a list', rawSafetensors('[]')],
    ['an unknown dtype', entry('[1]', '[0,4]', '"F64"')],
    ['a dtype from the prototype', entry('[1]', '[0,4]', '"constructor"')],
    ['data beyond the end', entry('[2]', '[0,8]')],
    ['an end before its begin', entry('[1]', '[4,0]')],
    ['a negative begin', entry('[1]', '[-4,0]')],
    ['a negative side', entry('[-1,-1]', '[0,4]')],
    ['a half side', entry('[0.5,2]', '[0,4]')],
    ['a size that overflows', entry('[4294967296,4294967296]', '[0,4]')],
    ['too many sides', entry('[1,1,1,1,1]', '[0,4]')],
    ['three offsets', entry('[1]', '[0,4,8]')],
  ])('refuses %s', (_what, file) => {
    expect(() => readSafetensors(file)).toThrow(WireError);
  });

  it('refuses another shape or dtype than requested', () => {
    const read = readSafetensors(safetensors({ a: tensor('F32', new Float32Array(6), 2, 3) }));
    expect(() => read.float32('a', 3, 2)).toThrow('array a has shape [2,3], not [3,2]');
    expect(() => read.float32('a', 6)).toThrow(WireError);
    expect(() => read.int32('a', 2, 3)).toThrow('array a is F32, not I32');
    expect(() => read.float32('b', 1)).toThrow('array b is missing');
  });
});

describe('halfToFloat', () => {
  it.each([
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
  ])('reads %i as %d', (bits, value) => {
    expect(halfToFloat(bits)).toBe(value);
  });

  it('reads NaN', () => {
    expect(halfToFloat(0x7e00)).toBeNaN();
  });
});
