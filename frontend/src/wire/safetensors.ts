// SPDX-License-Identifier: Apache-2.0
/** Reads safetensors: u64 length, JSON header, flat little-endian arrays. */

import { MAX_ARRAY_HEADER_BYTES, MAX_ARRAYS } from './generated/limits';
import type { TensorEntry } from './generated/types';
import { checkTensorEntry } from './generated/validators';
import { checkObject, WireError } from './json_checks';

const MAX_ITEMS = 1 << 28;

/** Array types by dtype name; F16 stays as its bits, see `halfToFloat`. */
const ARRAY_TYPES = {
  F32: Float32Array,
  I32: Int32Array,
  F16: Uint16Array,
  U16: Uint16Array,
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

  read(name: string, dtype: DType, shape: readonly number[]): TensorData {
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
  if (
    view.getUint32(4, true) !== 0 ||
    headerBytes > MAX_ARRAY_HEADER_BYTES ||
    headerBytes > size - 8
  ) {
    throw new WireError('arrays: header length exceeds the data');
  }
  const dataStart = start + 8 + headerBytes;
  const header = checkObject(parseHeader(new Uint8Array(buffer, start + 8, headerBytes)), 'arrays');
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    if (tensors.size >= MAX_ARRAYS) throw new WireError(`arrays: more than ${MAX_ARRAYS}`);
    checkTensorEntry(entry, `array ${name}`);
    tensors.set(name, readTensor(entry, name, buffer, dataStart));
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

function readTensor(
  { dtype, shape, data_offsets: [begin, end] }: TensorEntry,
  name: string,
  buffer: ArrayBuffer,
  dataStart: number,
): Tensor {
  const ArrayType = ARRAY_TYPES[dtype];
  const items = shape.reduce((product, n) => product * n, 1);
  if (items > MAX_ITEMS) throw new WireError(`array ${name}: shape [${shape}]`);
  const available = buffer.byteLength - dataStart;
  if (end > available || end - begin !== items * ArrayType.BYTES_PER_ELEMENT) {
    throw new WireError(`array ${name}: data does not fit its shape`);
  }
  const at = dataStart + begin;
  const data =
    at % ArrayType.BYTES_PER_ELEMENT === 0
      ? new ArrayType(buffer, at, items)
      : new ArrayType(buffer.slice(at, dataStart + end));
  return { dtype, shape, data };
}

/** An array of the generated tables: its element type and shape, with letters for lengths. */
interface ArrayType {
  readonly dtype: DType;
  readonly shape: readonly (string | number)[];
  readonly optional?: boolean;
}

type Arrays<Table extends Readonly<Record<string, ArrayType>>> = {
  readonly [Name in keyof Table]:
    | InstanceType<(typeof ARRAY_TYPES)[Table[Name]['dtype']]>
    | (Table[Name] extends { readonly optional: true } ? null : never);
};

/**
 * Reads all arrays of a table; optional ones that are absent are null.
 *
 * `sizes` are the lengths of dimensions by their letters; a letter that it lacks may be any length.
 */
export function readArrays<Table extends Readonly<Record<string, ArrayType>>>(
  tensors: Tensors,
  table: Table,
  sizes: Readonly<Record<string, number>>,
  prefix = '',
): Arrays<Table> {
  const found = Object.entries(table).map(([key, { dtype, shape, optional }]) => {
    const name = prefix + key;
    if (optional && !tensors.has(name)) return [key, null];
    const lengths = shape.map((n, i) =>
      typeof n === 'number' ? n : (sizes[n] ?? tensors.shape(name)[i] ?? -1),
    );
    return [key, tensors.read(name, dtype, lengths)];
  });
  return Object.fromEntries(found);
}

/** Decodes an IEEE 754 half-precision number. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
