// SPDX-License-Identifier: Apache-2.0
/** Reads safetensors: u64 length, JSON header, flat little-endian arrays. */

import { asNumber, Fields, WireError } from './json_reader';

const MAX_HEADER_BYTES = 1 << 20;
const MAX_TENSORS = 1024;
const MAX_DIMENSIONS = 4;
const MAX_ITEMS = 1 << 28;

/** Array types by dtype name; F16 stays as its bits, see `halfToFloat`. */
const ARRAY_TYPES = {
  F32: Float32Array,
  I32: Int32Array,
  F16: Uint16Array,
  U8: Uint8Array,
} as const;

export type DType = keyof typeof ARRAY_TYPES;
export type TensorData = InstanceType<(typeof ARRAY_TYPES)[DType]>;

export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Tensors by name, with reads that check dtype and shape. */
export class Tensors {
  constructor(private readonly byName: ReadonlyMap<string, Tensor>) {}

  has(name: string): boolean {
    return this.byName.has(name);
  }

  float32(name: string, ...shape: number[]): Float32Array {
    return this.read(name, 'F32', shape) as Float32Array;
  }

  int32(name: string, ...shape: number[]): Int32Array {
    return this.read(name, 'I32', shape) as Int32Array;
  }

  uint8(name: string, ...shape: number[]): Uint8Array {
    return this.read(name, 'U8', shape) as Uint8Array;
  }

  half(name: string, ...shape: number[]): Uint16Array {
    return this.read(name, 'F16', shape) as Uint16Array;
  }

  /** Shape of a tensor that must exist. */
  shape(name: string): readonly number[] {
    return this.find(name).shape;
  }

  private find(name: string): Tensor {
    const tensor = this.byName.get(name);
    if (tensor === undefined) throw new WireError(`array ${name} is missing`);
    return tensor;
  }

  private read(name: string, dtype: DType, shape: readonly number[]): TensorData {
    const tensor = this.find(name);
    if (tensor.dtype !== dtype)
      throw new WireError(`array ${name} is ${tensor.dtype}, not ${dtype}`);
    if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i])) {
      throw new WireError(`array ${name} has shape [${tensor.shape}], not [${shape}]`);
    }
    return tensor.data;
  }
}

/**
 * Reads the safetensors file in `buffer` from `start` to its end.
 *
 * Arrays are views where their place is aligned and copies where it is not.
 */
export function readSafetensors(buffer: ArrayBuffer, start = 0): Tensors {
  const size = buffer.byteLength - start;
  if (size < 8) throw new WireError('arrays: shorter than their own length field');
  const view = new DataView(buffer, start);
  const headerBytes = view.getUint32(0, true);
  if (view.getUint32(4, true) !== 0 || headerBytes > MAX_HEADER_BYTES || headerBytes > size - 8) {
    throw new WireError('arrays: header length exceeds the data');
  }
  const dataStart = start + 8 + headerBytes;
  const header = new Fields(parseHeader(new Uint8Array(buffer, start + 8, headerBytes)), 'arrays');
  const tensors = new Map<string, Tensor>();
  for (const name of header.keys()) {
    if (name === '__metadata__') continue;
    if (tensors.size >= MAX_TENSORS) throw new WireError(`arrays: more than ${MAX_TENSORS}`);
    tensors.set(name, readTensor(header.object(name), name, buffer, dataStart));
  }
  return new Tensors(tensors);
}

function parseHeader(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new WireError('arrays: header is not JSON');
  }
}

function readTensor(entry: Fields, name: string, buffer: ArrayBuffer, dataStart: number): Tensor {
  const dtype = entry.text('dtype');
  if (!Object.hasOwn(ARRAY_TYPES, dtype)) throw new WireError(`array ${name}: dtype ${dtype}`);
  const ArrayType = ARRAY_TYPES[dtype as DType];
  const shape = entry.list('shape', MAX_DIMENSIONS, asNumber);
  const items = shape.reduce((product, n) => product * n, 1);
  if (shape.some((n) => !Number.isSafeInteger(n) || n < 0) || items > MAX_ITEMS) {
    throw new WireError(`array ${name}: shape [${shape}]`);
  }
  const offsets = entry.list('data_offsets', 2, asNumber);
  const begin = offsets[0] ?? -1;
  const end = offsets[1] ?? -1;
  const available = buffer.byteLength - dataStart;
  const sound = Number.isSafeInteger(begin) && begin >= 0 && end <= available;
  if (!sound || end - begin !== items * ArrayType.BYTES_PER_ELEMENT) {
    throw new WireError(`array ${name}: data does not fit its shape`);
  }
  const at = dataStart + begin;
  const data =
    at % ArrayType.BYTES_PER_ELEMENT === 0
      ? new ArrayType(buffer, at, items)
      : new ArrayType(buffer.slice(at, dataStart + end));
  return { dtype: dtype as DType, shape, data };
}

/** The number that IEEE 754 half-precision `bits` stand for. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
