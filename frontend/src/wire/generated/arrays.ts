// SPDX-License-Identifier: Apache-2.0
// Written by scripts/generate.mjs from tensorboard_plugin_atlas/wire/schema.json. Do not edit.
/** Arrays of the safetensors blobs: element type and shape. N samples, C channels, M cells, K classes. */

/** Arrays of blob "map" that belong to the samples. */
export const MAP_ARRAYS = {
  xy: { dtype: 'F32', shape: ['N', 2] },
  image_ids: { dtype: 'I32', shape: ['N'] },
  positions: { dtype: 'I32', shape: ['N', 2] },
  boxes: { dtype: 'I32', shape: ['N', 4] },
  clamped: { dtype: 'U8', shape: ['N'] },
  labels: { dtype: 'I32', shape: ['N'], optional: true },
  predictions: { dtype: 'I32', shape: ['N'], optional: true },
  overlap: { dtype: 'F32', shape: ['N'], optional: true },
  noise_floor: { dtype: 'F32', shape: ['N'], optional: true },
  concepts: { dtype: 'I32', shape: ['N'], optional: true },
  confidences: { dtype: 'F16', shape: ['N'], optional: true },
  losses: { dtype: 'F16', shape: ['N'], optional: true },
  label_sets: { dtype: 'I32', shape: ['N', 'L'], optional: true },
} as const;

/** Arrays of blob "map" that belong to one grid, named `grid<size>.<name>`. */
export const GRID_ARRAYS = {
  rows: { dtype: 'I32', shape: ['M'] },
  cols: { dtype: 'I32', shape: ['M'] },
  counts: { dtype: 'I32', shape: ['M'] },
  cell_of: { dtype: 'I32', shape: ['N'] },
  kind: { dtype: 'U8', shape: ['M'] },
  cosine: { dtype: 'F32', shape: ['M'] },
} as const;

/** Arrays of blob "map" that hold the attribution of one grid. */
export const ATTRIBUTION_ARRAYS = {
  attribution: { dtype: 'F16', shape: ['M', 'K'], optional: true },
  attribution_codes: { dtype: 'U8', shape: ['M', 'K'], optional: true },
  attribution_scale: { dtype: 'F32', shape: ['M'], optional: true },
  spread_codes: { dtype: 'U8', shape: ['M', 'K'], optional: true },
  spread_scale: { dtype: 'F32', shape: ['M'], optional: true },
} as const;

/** Arrays of blob "activations" by the kind of stored form. */
export const ACTIVATION_ARRAYS = {
  float16: { values: { dtype: 'F16', shape: ['N', 'C'] } },
  uint8: {
    codes: { dtype: 'U8', shape: ['N', 'C'] },
    scale: { dtype: 'F32', shape: ['C'] },
    offset: { dtype: 'F32', shape: ['C'] },
  },
  pca: {
    scores: { dtype: 'F16', shape: ['N', 'P'] },
    axes: { dtype: 'F16', shape: ['P', 'C'] },
    mean: { dtype: 'F32', shape: ['C'] },
  },
} as const;

/** Arrays of blob "probe". */
export const PROBE_ARRAYS = {
  image_ids: { dtype: 'I32', shape: ['I'] },
  labels: { dtype: 'I32', shape: ['I'], optional: true },
} as const;
