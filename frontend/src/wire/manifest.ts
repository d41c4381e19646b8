// SPDX-License-Identifier: Apache-2.0
/** The JSON of `http_api.md` as types, and the readers that check it. */

import { asNumber, asText, Fields, WireError } from './json_reader';

const WIRE_VERSION = 1;
export const MAX_SHEET_SIDE = 2048;
export const MAX_SAMPLES = 1_000_000;
export const MAX_GRID = 320;
const MAX_BLOBS = 4096;
export const MAX_CLASSES = 100_000;
export const MAX_STEPS = 1_000_000;
/** The index is as long as TensorBoard's own list of runs; a limit here would empty the tab. */
const ALL_SERIES = Number.POSITIVE_INFINITY;

export interface SeriesEntry {
  readonly id: string;
  readonly layer: string;
  readonly steps: readonly number[];
  readonly wallTimes: readonly number[];
  /** What a step is known by: another text when another record takes its place. */
  readonly versions: readonly string[];
  /** Steps at which shortcuts were searched for. */
  readonly shortcuts: readonly number[];
}

export interface RunEntry {
  readonly id: string;
  readonly run: string;
  readonly probe: boolean;
  readonly series: readonly SeriesEntry[];
}

/** One picture page of a sequence: the number to ask for and its checksum. */
export interface Page {
  readonly blob: number;
  readonly crc32c: string;
}

export interface GridEntry {
  readonly size: number;
  readonly cells: number;
  readonly tile: number | null;
  readonly columns: number | null;
  readonly pages: readonly Page[];
}

export interface AtlasManifest {
  readonly layer: string;
  readonly step: number;
  readonly classes: readonly string[] | null;
  readonly samples: number;
  readonly channels: number;
  readonly grids: readonly GridEntry[];
  readonly trustworthiness: number | null;
  readonly effectiveRank: number | null;
  readonly activationsKind: string;
  readonly settings: Fields;
  readonly probeDigest: string;
  readonly model: string;
  readonly notes: readonly string[];
  /** All of it, for what is read only when somebody asks. */
  readonly fields: Fields;
}

export function readIndex(json: unknown): RunEntry[] {
  const index = new Fields(json, 'index');
  return index.list('runs', ALL_SERIES, (item, where) => {
    const run = new Fields(item, where);
    return {
      id: run.text('id'),
      run: run.text('run'),
      probe: run.flag('probe'),
      series: run.list('series', ALL_SERIES, readSeries),
    };
  });
}

function readSeries(item: unknown, where: string): SeriesEntry {
  const series = new Fields(item, where);
  const steps = series.list('steps', MAX_STEPS, asNumber);
  const wallTimes = series.list('wall_times', MAX_STEPS, asNumber);
  const versions = series.list('versions', MAX_STEPS, asText);
  if (steps.length !== wallTimes.length || steps.length !== versions.length) {
    throw new WireError(`${where}: steps without times or versions`);
  }
  const shortcuts = series.listOrNull('shortcuts', MAX_STEPS, asNumber) ?? [];
  const [id, layer] = [series.text('id'), series.text('layer')];
  return { id, layer, steps, wallTimes, versions, shortcuts };
}

interface Blob {
  readonly role: string;
  readonly crc32c: string;
  readonly grid: number | null;
  readonly page: number | null;
  readonly number: number;
}

export function readBlobs(manifest: Fields): Blob[] {
  return manifest
    .list('blobs', MAX_BLOBS, (item, where) => new Fields(item, where))
    .map((blob, i) => ({
      role: blob.text('role'),
      crc32c: blob.text('crc32c'),
      grid: blob.wholeOrNull('grid', 1, MAX_GRID),
      page: blob.wholeOrNull('page', 0, MAX_BLOBS),
      number: i + 1,
    }));
}

/** Pages of one role (and grid) in order; they must be numbered 0, 1, 2 … */
export function pagesOf(blobs: readonly Blob[], role: string, grid: number | null): Page[] {
  const pages = blobs
    .filter((blob) => blob.role === role && blob.grid === grid)
    .sort((a, b) => (a.page ?? 0) - (b.page ?? 0));
  if (pages.some((blob, i) => (blob.page ?? 0) !== i)) {
    throw new WireError(`pages of ${role} are not numbered from 0`);
  }
  return pages.map((blob) => ({ blob: blob.number, crc32c: blob.crc32c }));
}

export function openManifest(json: unknown, kind: string): Fields {
  const manifest = new Fields(json, 'manifest');
  if (manifest.text('kind') !== kind) throw new WireError(`manifest is not of kind ${kind}`);
  manifest.whole('version', 1, WIRE_VERSION);
  return manifest;
}

export function readAtlasManifest(json: unknown): AtlasManifest {
  const manifest = openManifest(json, 'atlas');
  const blobs = readBlobs(manifest);
  const provenance = manifest.object('provenance');
  const quality = manifest.object('quality');
  return {
    layer: manifest.text('layer'),
    step: manifest.whole('step', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    classes: manifest.listOrNull('classes', MAX_CLASSES, asText),
    samples: manifest.whole('samples', 1, MAX_SAMPLES),
    channels: manifest.whole('channels', 1, Number.MAX_SAFE_INTEGER),
    grids: manifest.list('grids', 8, (item, where) => readGrid(new Fields(item, where), blobs)),
    trustworthiness: quality.numberOrNull('trustworthiness'),
    effectiveRank: quality.numberOrNull('effective_rank'),
    activationsKind: manifest.object('activations').text('kind'),
    settings: provenance.object('settings'),
    probeDigest: provenance.text('probe'),
    model: provenance.text('model'),
    notes: provenance.listOrNull('notes', 1000, asText) ?? [],
    fields: manifest,
  };
}

function readGrid(grid: Fields, blobs: readonly Blob[]): GridEntry {
  const size = grid.whole('size', 1, MAX_GRID);
  const cells = grid.whole('cells', 0, size * size);
  const tile = grid.wholeOrNull('tile', 1, MAX_SHEET_SIDE);
  const columns = grid.wholeOrNull('columns', 1, MAX_SHEET_SIDE);
  const pages = pagesOf(blobs, 'sheet', size);
  if (tile !== null && columns !== null) checkSheets(`grid ${size}`, cells, tile, columns, pages);
  return { size, cells, tile, columns, pages: tile === null || columns === null ? [] : pages };
}

export function checkSheets(
  where: string,
  count: number,
  tile: number,
  columns: number,
  pages: readonly Page[],
): void {
  if (tile * columns > MAX_SHEET_SIDE) throw new WireError(`${where}: pages are too wide`);
  const wanted = Math.ceil(count / (columns * columns));
  if (pages.length !== wanted) {
    throw new WireError(`${where}: ${pages.length} of ${wanted} picture pages`);
  }
}
