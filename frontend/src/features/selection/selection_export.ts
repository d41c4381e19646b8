// SPDX-License-Identifier: Apache-2.0
/** Exports the samples of a selection as files; row numbers match the arrays of the Python API. */

import { csvText } from '../../util/csv';
import { type Atlas, classNames } from '../../wire/atlas';

interface Sample {
  /** Row of `atlas.xy`, `atlas.labels` and the other arrays. */
  readonly sample: number;
  readonly image: number;
  readonly x: number;
  readonly y: number;
  /** y0, x0, y1, x1 in input pixels. */
  readonly box: readonly number[];
  readonly label: string | null;
  readonly label_index: number | null;
  readonly prediction: string | null;
  readonly prediction_index: number | null;
}

function describe(atlas: Atlas, row: number): Sample {
  const { xy, imageIds, boxes, labels, predictions } = atlas;
  const nameOf = (values: Int32Array | null) => values && classNames(atlas, values, row);
  return {
    sample: row,
    image: imageIds[row] as number,
    x: xy[2 * row] as number,
    y: xy[2 * row + 1] as number,
    box: [...boxes.subarray(4 * row, 4 * row + 4)],
    label: nameOf(labels),
    label_index: labels?.[row] ?? null,
    prediction: nameOf(predictions),
    prediction_index: predictions?.[row] ?? null,
  };
}

const COLUMNS = [
  ...['run', 'layer', 'step', 'sample', 'image', 'x', 'y', 'y0', 'x0', 'y1', 'x1'],
  ...['label', 'label_index', 'prediction', 'prediction_index'],
];

/** The samples in `atlas`, one on each line. */
export function samplesAsCsv(run: string, atlas: Atlas, rows: Int32Array): string {
  const lines = Array.from(rows, (row) => {
    const { sample, image, x, y, box, ...classes } = describe(atlas, row);
    const { label, label_index, prediction, prediction_index } = classes;
    return [
      ...[run, atlas.manifest.layer, atlas.step, sample, image, x, y, ...box],
      ...[label, label_index, prediction, prediction_index],
    ];
  });
  return csvText([COLUMNS, ...lines]);
}

export function samplesAsJson(run: string, name: string, atlas: Atlas, rows: Int32Array): string {
  const { layer, probeDigest } = atlas.manifest;
  const samples = Array.from(rows, (row) => describe(atlas, row));
  return JSON.stringify({ name, run, layer, step: atlas.step, probe: probeDigest, samples });
}
