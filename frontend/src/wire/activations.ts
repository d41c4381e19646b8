// SPDX-License-Identifier: Apache-2.0
/** Decodes the stored activations of an atlas. */

import type { Atlas } from './atlas';
import { ACTIVATION_ARRAYS } from './generated/arrays';
import { halfToFloat, readArrays, type Tensors } from './safetensors';

/** Activations of all samples, one row per sample: channels, or coordinates along principal axes. */
export interface Activations {
  readonly width: number;
  readonly values: Float32Array;
  readonly mean: Float32Array;
  readonly channels: number;
  /** How the activations are stored: "float16", "uint8" or "pca". */
  readonly kind: string;
  /** Unit vectors of the principal axes, one per row, if values are coordinates along them. */
  readonly axes: Float32Array | null;
  /** Fraction of the variance that is lost in storage; null if it is not known. */
  readonly lostVariance: number | null;
}

/** Decodes the `activations` blob; the manifest states its kind. */
export function readActivations(atlas: Atlas, tensors: Tensors): Activations {
  const { channels, fields } = atlas.manifest;
  const { kind, lost_variance: lostVariance } = fields.activations;
  const rows = atlas.count;
  const sizes = { N: rows, C: channels };
  const subtractMean = (
    values: Float32Array,
    width = channels,
    axes: Float32Array | null = null,
  ) => ({
    ...{ width, values, mean: meanOf(values, rows, width) },
    ...{ channels, kind, axes, lostVariance },
  });
  switch (kind) {
    case 'float16':
      return subtractMean(halves(readArrays(tensors, ACTIVATION_ARRAYS.float16, sizes).values));
    case 'uint8': {
      const { codes, scale, offset } = readArrays(tensors, ACTIVATION_ARRAYS.uint8, sizes);
      const values = Float32Array.from(
        codes,
        (code, i) => code * (scale[i % channels] as number) + (offset[i % channels] as number),
      );
      return subtractMean(values);
    }
    case 'pca': {
      const width = tensors.shape('axes')[0] ?? 0;
      const stored = readArrays(tensors, ACTIVATION_ARRAYS.pca, {
        ...sizes,
        P: width,
      });
      const [axes, values] = [halves(stored.axes), halves(stored.scores)];
      // Stored axes have the length of the standard deviation of their scores.
      for (let axis = 0; axis < width; axis++) {
        const own = axes.subarray(axis * channels, (axis + 1) * channels);
        const length = Math.sqrt(own.reduce((sum, value) => sum + value * value, 0)) || 1;
        own.forEach((value, channel) => {
          own[channel] = value / length;
        });
        for (let at = axis; at < values.length; at += width) {
          values[at] = (values[at] as number) * length;
        }
      }
      return subtractMean(values, width, axes);
    }
  }
}

function halves(bits: Uint16Array): Float32Array {
  return Float32Array.from(bits, halfToFloat);
}

/** Channel means over the rows that are finite. */
function meanOf(values: Float32Array, rows: number, width: number): Float32Array {
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
  return mean;
}
