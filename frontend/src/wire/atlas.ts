// SPDX-License-Identifier: Apache-2.0
/** An atlas in memory: typed arrays, checked against the manifest and against each other. */

import { GRID_ARRAYS, MAP_ARRAYS } from './generated/arrays';
import { ICON_KINDS } from './generated/limits';
import { WireError } from './json_checks';
import { type AtlasManifest, type GridEntry, readAtlasManifest } from './manifest';
import { splitPack } from './packed_response';
import { readArrays, readSafetensors, type Tensors } from './safetensors';

/** How a cell is drawn, by the wire's code. */
export type IconKind = (typeof ICON_KINDS)[number];

/** One zoom level. Cells are numbered as on the wire; icon i belongs to cell i. */
export interface Level {
  readonly entry: GridEntry;
  readonly size: number;
  readonly rows: Int32Array;
  readonly cols: Int32Array;
  readonly counts: Int32Array;
  /** Samples of each cell that the tab has: all, unless it gets only some of the atlas. */
  readonly loaded: Int32Array;
  readonly cellOf: Int32Array;
  readonly kind: Uint8Array;
  readonly cosine: Float32Array;
  /** Cell at row * size + column, or -1. */
  readonly lookup: Int32Array;
  /** Share of all samples in visible cells. */
  readonly covered: number;
}

export interface Atlas {
  /** Series and step: names the atlas in caches. */
  readonly key: string;
  readonly series: string;
  readonly step: number;
  readonly manifest: AtlasManifest;
  readonly classes: readonly string[] | null;
  readonly count: number;
  /** x, y of every sample, in [0, 1], y down. */
  readonly xy: Float32Array;
  readonly imageIds: Int32Array;
  /** y0, x0, y1, x1 of every sample in input pixels. */
  readonly boxes: Int32Array;
  /** Of several labels of a sample, the rarest; `classesAt` returns all. */
  readonly labels: Int32Array | null;
  readonly predictions: Int32Array | null;
  /** Share of the neighbors that every sample kept since the step before. */
  readonly overlap: Float32Array | null;
  /** How far every sample would have moved since then by chance, in map units. */
  readonly noiseFloor: Float32Array | null;
  /** Id of the concept of every sample, or -1. */
  readonly concepts: Int32Array | null;
  readonly levels: readonly Level[];
  /** All arrays, for what is read on demand. */
  readonly tensors: Tensors;
}

/** Decodes the response of the `atlas` route; throws `WireError` where it contradicts itself. */
export function readAtlas(series: string, step: number, response: ArrayBuffer): Atlas {
  const pack = splitPack(response);
  const manifest = readAtlasManifest(pack.manifest);
  const tensors = readSafetensors(pack.buffer, pack.blobStart);
  const count = manifest.samples;
  if (manifest.step !== step) throw new WireError(`manifest says step ${manifest.step}`);
  if (manifest.grids.length === 0) throw new WireError('atlas has no grid');
  if (count === 0) throw new WireError('atlas has no sample');
  const arrays = readArrays(tensors, MAP_ARRAYS, { N: count });
  return {
    key: `${series}/${step}`,
    series,
    step,
    manifest,
    classes: manifest.classes,
    count,
    xy: arrays.xy,
    imageIds: arrays.image_ids,
    boxes: arrays.boxes,
    labels: arrays.labels ?? (arrays.label_sets && readSets(arrays.label_sets, count)),
    predictions: arrays.predictions,
    overlap: arrays.overlap,
    noiseFloor: arrays.noise_floor,
    concepts: arrays.concepts,
    levels: manifest.grids.map((entry) => readLevel(entry, tensors, count)),
    tensors,
  };
}

function readLevel(entry: GridEntry, tensors: Tensors, samples: number): Level {
  const { size, cells } = entry;
  const name = `grid${size}`;
  const arrays = readArrays(tensors, GRID_ARRAYS, { N: samples, M: cells }, `${name}.`);
  const rows = within(arrays.rows, 0, size, `${name}.rows`);
  const cols = within(arrays.cols, 0, size, `${name}.cols`);
  const cellOf = within(arrays.cell_of, -1, cells, `${name}.cell_of`);
  const loaded = new Int32Array(cells);
  for (const cell of cellOf) if (cell >= 0) loaded[cell] = (loaded[cell] as number) + 1;
  const lookup = new Int32Array(size * size).fill(-1);
  for (let cell = 0; cell < cells; cell++) {
    lookup[(rows[cell] as number) * size + (cols[cell] as number)] = cell;
  }
  return {
    entry,
    size,
    rows,
    cols,
    counts: arrays.counts,
    loaded,
    cellOf,
    kind: arrays.kind,
    cosine: arrays.cosine,
    lookup,
    covered: loaded.reduce((sum, of) => sum + of, 0) / samples,
  };
}

function within(values: Int32Array, low: number, end: number, name: string): Int32Array {
  if (values.some((value) => value < low || value >= end)) {
    throw new WireError(`array ${name} points outside its grid`);
  }
  return values;
}

/** The grid of a size, where the atlas has one. */
export function levelOf(
  atlas: Pick<Atlas, 'levels'> | null | undefined,
  size: number | null | undefined,
): Level | undefined {
  return atlas?.levels.find((level) => level.size === size);
}

/** The drawn cell at a row and column, or -1. */
export function cellAt(level: Level, row: number, col: number): number {
  if (row < 0 || col < 0 || row >= level.size || col >= level.size) return -1;
  return level.lookup[row * level.size + col] ?? -1;
}

export function kindOf(level: Level, cell: number): IconKind {
  return ICON_KINDS[level.kind[cell] ?? 0] ?? 'none';
}

const setsOf = new WeakMap<Int32Array, readonly (readonly number[])[]>();

/** The first label of every sample; the others are kept for `classesAt`. */
function readSets(sets: Int32Array, samples: number): Int32Array {
  const width = sets.length / samples;
  const first = sets.filter((_, i) => i % width === 0);
  const setAt = (row: number) => [...sets.subarray(row * width, (row + 1) * width)];
  setsOf.set(
    first,
    Array.from(first, (_, row) => setAt(row).filter((label, i) => label >= 0 || i === 0)),
  );
  return first;
}

/** Whether the images of an array of labels may have several. */
export const isMultiLabel = (labels: Int32Array): boolean => setsOf.has(labels);

/** Classes of a sample in an array of an atlas: one, or all its labels if images have several. */
export function classesAt(values: Int32Array, sample: number): readonly number[] {
  return setsOf.get(values)?.[sample] ?? [values[sample] as number];
}

export function classNames(atlas: Atlas, values: Int32Array, sample: number): string {
  return classesAt(values, sample)
    .map((index) => className(atlas, index))
    .join(', ');
}

/** The name of a class, or its number where no names were logged; negative ones are unknown. */
export function className(atlas: Atlas, index: number): string {
  if (index < 0) return 'unknown';
  return atlas.classes?.[index] ?? `class ${index}`;
}
