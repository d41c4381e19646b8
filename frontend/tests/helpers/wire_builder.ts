// SPDX-License-Identifier: Apache-2.0
/** Builds wire data as the writer does, so that tests can then break it. */

import { type Atlas, readAtlas } from '../../src/wire/atlas';

export interface RawTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export function tensor(
  dtype: string,
  data: Float32Array | Int32Array | Uint8Array | Uint16Array,
  ...shape: number[]
): RawTensor {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { dtype, shape: shape.length > 0 ? shape : [data.length], bytes };
}

/** A safetensors file, its header padded with spaces to `align` bytes. */
export function safetensors(tensors: Readonly<Record<string, RawTensor>>, align = 8): ArrayBuffer {
  let at = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  const text = JSON.stringify(header);
  const padded = text.padEnd(Math.ceil(text.length / align) * align);
  return join(u64(padded.length), encode(padded), ...Object.values(tensors).map((t) => t.bytes));
}

/** A safetensors file with a header of the caller's own. */
export function rawSafetensors(header: string, data = new Uint8Array(0)): ArrayBuffer {
  return join(u64(header.length), encode(header), data);
}

export function pack(manifest: unknown, blob: ArrayBuffer): ArrayBuffer {
  const text = encode(JSON.stringify(manifest));
  const spaces = encode(' '.repeat((8 - ((4 + text.length) % 8)) % 8));
  const length = new Uint8Array(new Uint32Array([text.length + spaces.length]).buffer);
  return join(length, text, spaces, new Uint8Array(blob));
}

function u64(value: number): Uint8Array {
  return new Uint8Array(new BigUint64Array([BigInt(value)]).buffer);
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function join(...parts: Uint8Array[]): ArrayBuffer {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.buffer;
}

/**
 * Six samples of one grid of 2 × 2: samples 0, 1 and 2 top left (cell 0), 3 and 4 bottom right (cell
 * 1), 5 alone top right and not drawn.
 */
export function smallManifest(): Record<string, unknown> {
  return {
    kind: 'atlas',
    version: 4,
    layer: 'layer3',
    step: 7,
    sequence: 1,
    wall_time: 0,
    classes: ['cat', 'dog', 'ship'],
    samples: 6,
    logged_samples: null,
    channels: 2,
    blobs: [
      blobEntry('map', '00000000'),
      blobEntry('activations', '00000001'),
      { ...blobEntry('sheet', '00000002'), grid: 2, page: 0 },
    ],
    grids: [{ size: 2, cells: 2, tile: 8, columns: 2 }],
    quality: {
      trustworthiness: 0.95,
      neighbors_kept: null,
      clamped: 0,
      invalid: 0,
      dead_channels: 0,
      effective_rank: null,
    },
    activations: { kind: 'float16', lost_variance: 0 },
    provenance: smallProvenance(),
    skipped: [],
    viewport: null,
    concepts: null,
    groups: null,
    concept_change: null,
    events: [],
  };
}

/** What a manifest states about a blob. */
export function blobEntry(role: string, crc32c: string): Record<string, unknown> {
  const format = ['map', 'activations', 'probe'].includes(role) ? 'safetensors' : 'webp';
  return { role, format, bytes: 8, crc32c, grid: null, page: null };
}

export function smallProvenance(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    settings: { neighbors: 15 },
    probe: 'aa',
    model: 'Net',
    versions: {},
    layer_info: {},
    notes: [],
    ...change,
  };
}

/** Arrays that every atlas has and most tests do not use. */
function unusedTensors(samples: number): Record<string, RawTensor> {
  return {
    positions: tensor('I32', new Int32Array(2 * samples), samples, 2),
    clamped: tensor('U8', new Uint8Array(samples)),
  };
}

export function smallTensors(): Record<string, RawTensor> {
  const xy = [0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.8, 0.8, 0.9, 0.9, 0.9, 0.1];
  return {
    xy: tensor('F32', new Float32Array(xy), 6, 2),
    image_ids: tensor('I32', new Int32Array([10, 11, 12, 13, 14, 15])),
    boxes: tensor('I32', new Int32Array(24).fill(4), 6, 4),
    labels: tensor('I32', new Int32Array([0, 0, 1, 2, 2, 1])),
    ...unusedTensors(6),
    'grid2.rows': tensor('I32', new Int32Array([0, 1])),
    'grid2.cols': tensor('I32', new Int32Array([0, 1])),
    'grid2.counts': tensor('I32', new Int32Array([3, 2])),
    'grid2.cell_of': tensor('I32', new Int32Array([0, 0, 0, 1, 1, -1])),
    'grid2.kind': tensor('U8', new Uint8Array([3, 0])),
    'grid2.cosine': tensor('F32', new Float32Array([0.25, Number.NaN])),
  };
}

export function smallAtlas(
  manifest: Record<string, unknown> = {},
  tensors: Record<string, RawTensor> = {},
): Atlas {
  const whole = { ...smallManifest(), ...manifest };
  const samples = Number(whole.samples);
  const own = samples <= 10_000 ? unusedTensors(samples) : {};
  const blob = safetensors({ ...smallTensors(), ...own, ...tensors });
  return readAtlas('s1', 7, pack(whole, blob));
}
