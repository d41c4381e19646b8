// SPDX-License-Identifier: Apache-2.0
/** Stored activations, only to rank a cell's members by how near they are to its mean. */

import type { Atlas } from './atlas';
import { smallest } from './cells';
import { WireError } from './check';
import { halfToFloat, type Tensors } from './safetensors';

/** One row per sample. Principal-axis scores stand for themselves: cosine is taken around their mean. */
export interface Activations {
  readonly width: number;
  readonly values: Float32Array;
  readonly mean: Float32Array;
}

/** Decodes the `activations` blob by the kind that the manifest names. */
export function readActivations(atlas: Atlas, tensors: Tensors): Activations {
  const { activationsKind: kind, channels } = atlas.manifest;
  const rows = atlas.count;
  switch (kind) {
    case 'float16':
      return centred(halves(tensors.half('values', rows, channels)), rows, channels);
    case 'uint8': {
      const codes = tensors.uint8('codes', rows, channels);
      const scale = tensors.float32('scale', channels);
      const offset = tensors.float32('offset', channels);
      const values = Float32Array.from(
        codes,
        (code, i) => code * (scale[i % channels] as number) + (offset[i % channels] as number),
      );
      return centred(values, rows, channels);
    }
    case 'pca': {
      const axes = tensors.shape('axes')[0] ?? 0;
      return centred(halves(tensors.half('scores', rows, axes)), rows, axes);
    }
    default:
      throw new WireError(`activations of kind ${kind}`);
  }
}

function halves(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, halfToFloat);
}

/** Channel means over the rows that are finite. */
function centred(values: Float32Array, rows: number, width: number): Activations {
  const mean = new Float32Array(width);
  for (let channel = 0; channel < width; channel++) {
    let sum = 0;
    let finite = 0;
    for (let row = 0; row < rows; row++) {
      const value = values[row * width + channel] as number;
      if (!Number.isFinite(value)) continue;
      sum += value;
      finite += 1;
    }
    mean[channel] = finite > 0 ? sum / finite : 0;
  }
  return { width, values, mean };
}

/**
 * The `limit` members whose activation points most nearly the way of the members' mean, both taken
 * relative to the layer's mean, as the icons' own cosine is.
 */
export function nearestByActivation(
  activations: Activations,
  members: Int32Array,
  limit: number,
): number[] {
  const { width, values, mean } = activations;
  const at = (sample: number, channel: number) =>
    (values[sample * width + channel] as number) - (mean[channel] as number);
  const target = new Float64Array(width);
  for (const sample of members) {
    for (let channel = 0; channel < width; channel++) {
      const value = at(sample, channel);
      if (Number.isFinite(value)) target[channel] = (target[channel] as number) + value;
    }
  }
  return smallest(members, limit, (sample) => {
    let dot = 0;
    let norm = 0;
    for (let channel = 0; channel < width; channel++) {
      const value = at(sample, channel);
      dot += value * (target[channel] as number);
      norm += value * value;
    }
    return -dot / Math.sqrt(norm);
  });
}
