// SPDX-License-Identifier: Apache-2.0
/** Manifests and the index as the tab uses them; generated validators check the JSON. */

import { MAX_SHEET_SIDE } from './generated/limits';
import type {
  BlobEntry,
  AtlasManifest as WireManifest,
  SeriesEntry as WireSeries,
} from './generated/types';
import { checkAtlasManifest, checkIndexResponse } from './generated/validators';
import { WireError } from './json_checks';

export interface SeriesEntry {
  readonly id: string;
  readonly layer: string;
  readonly steps: readonly number[];
  readonly wallTimes: readonly number[];
  /** Key of a step, which changes if another record replaces it. */
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

/** One picture page of a sequence: its number and checksum. */
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
  readonly settings: Readonly<Record<string, unknown>>;
  readonly probeDigest: string;
  readonly model: string;
  readonly notes: readonly string[];
  /** The manifest as the plugin sent it. */
  readonly fields: WireManifest;
}

export function readIndex(json: unknown): RunEntry[] {
  checkIndexResponse(json, 'index');
  return json.runs.map((run) => ({ ...run, series: run.series.map(readSeries) }));
}

function readSeries({ wall_times: wallTimes, ...series }: WireSeries): SeriesEntry {
  const { length } = series.steps;
  if (length !== wallTimes.length || length !== series.versions.length) {
    throw new WireError(`layer ${series.layer}: steps without times or versions`);
  }
  return { ...series, wallTimes };
}

/** Pages of one role (and grid) in order; they must be numbered 0, 1, 2 … */
export function pagesOf(blobs: readonly BlobEntry[], role: string, grid: number | null): Page[] {
  const pages = blobs
    .map((blob, i) => ({ ...blob, blob: i + 1 }))
    .filter((blob) => blob.role === role && blob.grid === grid)
    .sort((a, b) => (a.page ?? 0) - (b.page ?? 0));
  if (pages.some((blob, i) => (blob.page ?? 0) !== i)) {
    throw new WireError(`pages of ${role} are not numbered from 0`);
  }
  return pages.map(({ blob, crc32c }) => ({ blob, crc32c }));
}

export function readAtlasManifest(json: unknown): AtlasManifest {
  checkAtlasManifest(json, 'manifest');
  const { provenance, quality, layer, step, classes, samples, channels } = json;
  return {
    ...{ layer, step, classes, samples, channels },
    grids: json.grids.map((grid) => readGrid(grid, json.blobs)),
    trustworthiness: quality.trustworthiness,
    effectiveRank: quality.effective_rank,
    settings: provenance.settings,
    probeDigest: provenance.probe,
    model: provenance.model,
    notes: provenance.notes,
    fields: json,
  };
}

function readGrid(
  { size, cells, tile, columns }: WireManifest['grids'][number],
  blobs: readonly BlobEntry[],
): GridEntry {
  if (cells > size * size) throw new WireError(`grid ${size} has ${cells} cells`);
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
