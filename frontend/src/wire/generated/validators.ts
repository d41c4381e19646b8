// SPDX-License-Identifier: Apache-2.0
// Written by scripts/generate.mjs from tensorboard_plugin_atlas/wire/schema.json. Do not edit.
/** Validators of the JSON that the plugin sends. */

import {
  choice,
  flag,
  integer,
  list,
  mapping,
  nullable,
  number,
  object,
  text,
} from '../json_checks';
import type {
  ActivationsEntry,
  AtlasManifest,
  AxisEntry,
  BlobEntry,
  CellEntry,
  ClassAtlasEntry,
  ConceptChangeEntry,
  ConceptEntry,
  ConceptGroupEntry,
  ErrorEntry,
  ErrorResponse,
  EventEntry,
  ExampleEntry,
  ExportedPage,
  GridEntry,
  HistoryConcept,
  HistoryEvent,
  HistoryGroup,
  HistoryResponse,
  HistoryStep,
  HistoryStepConcepts,
  IndexResponse,
  PatchesEntry,
  ProbeManifest,
  ProvenanceEntry,
  QualityEntry,
  RecordedRequest,
  RunEntry,
  SeriesEntry,
  ShortcutEntry,
  ShortcutsManifest,
  ShortcutTestEntry,
  SkippedEntry,
  TensorEntry,
  ViewportEntry,
} from './types';

const activationsEntry = object<ActivationsEntry>({
  kind: choice('float16', 'pca', 'uint8'),
  lost_variance: number(0, 1),
});

const blobEntry = object<BlobEntry>({
  role: choice('activations', 'map', 'patches', 'probe', 'sheet', 'thumbs'),
  format: choice('safetensors', 'webp'),
  bytes: integer(0, 67108864),
  crc32c: text(8),
  grid: nullable(integer(1, 320)),
  page: nullable(integer(0, 127)),
});

const gridEntry = object<GridEntry>({
  size: integer(1, 320),
  cells: integer(0, 102400),
  tile: nullable(integer(1, 2048)),
  columns: nullable(integer(1, 2048)),
});

const qualityEntry = object<QualityEntry>({
  trustworthiness: nullable(number()),
  neighbors_kept: nullable(number()),
  clamped: integer(0, 1000000),
  invalid: integer(0, 1000000),
  dead_channels: integer(0, 1000000),
  effective_rank: nullable(number()),
});

const provenanceEntry = object<ProvenanceEntry>({
  settings: mapping,
  probe: text(1048576),
  model: text(1048576),
  versions: mapping,
  layer_info: mapping,
  notes: list(text(), 1000000),
});

const skippedEntry = object<SkippedEntry>({
  step: integer(-(2 ** 63), 2 ** 63),
  reason: choice('budget', 'busy', 'failed'),
});

const viewportEntry = object<ViewportEntry>({
  x0: number(),
  y0: number(),
  x1: number(),
  y1: number(),
});

const conceptEntry = object<ConceptEntry>({
  id: integer(0, 2147483647),
  name: text(2000),
  size: integer(0, 1000000),
  top_class: nullable(integer(0, 1000000)),
  top_share: number(0, 1),
  born: integer(-(2 ** 63), 2 ** 63),
  confidence: number(0, 1),
  group: nullable(integer(0, 2147483647)),
  joined: nullable(number(0, 1)),
  left: nullable(number(0, 1)),
});

const conceptGroupEntry = object<ConceptGroupEntry>({
  id: integer(0, 2147483647),
  name: text(2000),
  size: integer(0, 1000000),
});

const conceptChangeEntry = object<ConceptChangeEntry>({
  modularity: number(),
  by_events: number(0, 1),
  by_churn: number(0, 1),
});

const cellEntry = object<CellEntry>({
  grid: integer(1, 320),
  row: integer(0, 319),
  col: integer(0, 319),
});

const eventEntry = object<EventEntry>({
  kind: choice('born', 'confidence', 'dies', 'flips', 'merges', 'splits'),
  text: text(2000),
  score: number(0),
  confidence: number(0, 1),
  before_step: integer(-(2 ** 63), 2 ** 63),
  before: list(integer(0, 2147483647), 1000),
  after: list(integer(0, 2147483647), 1000),
  cell: nullable(cellEntry),
  samples: nullable(integer(0, 1000000)),
  classes: nullable(list(integer(0, 1000000), 3, 1)),
  images: nullable(integer(0, 1000000)),
});

const atlasManifest = object<AtlasManifest>({
  kind: choice('atlas'),
  version: choice(4),
  blobs: list(blobEntry, 256),
  layer: text(1048576),
  step: integer(-(2 ** 63), 2 ** 63),
  sequence: integer(1, 2 ** 53),
  wall_time: number(),
  classes: nullable(list(text(), 1000000)),
  samples: integer(0, 1000000),
  logged_samples: nullable(integer(0, 1000000)),
  channels: integer(0, 1000000),
  grids: list(gridEntry, 16),
  quality: qualityEntry,
  activations: activationsEntry,
  provenance: provenanceEntry,
  skipped: list(skippedEntry, 1000),
  viewport: nullable(viewportEntry),
  concepts: nullable(list(conceptEntry, 1000)),
  groups: nullable(list(conceptGroupEntry, 1000)),
  concept_change: nullable(conceptChangeEntry),
  events: list(eventEntry, 200),
});

const axisEntry = object<AxisEntry>({
  left: integer(0, 1000000),
  right: integer(0, 1000000),
  reach: number(0),
  trustworthiness: nullable(number()),
});

const classAtlasEntry = object<ClassAtlasEntry>({
  layer: text(1048576),
  classes: list(integer(0, 1000000), 2, 1),
  names: list(text(), 2, 1),
  rule: choice('top', 'winner'),
  axis: nullable(axisEntry),
});

const errorEntry = object<ErrorEntry>({
  kind: text(),
  message: text(),
});

const errorResponse = object<ErrorResponse>({
  error: errorEntry,
});

const exampleEntry = object<ExampleEntry>({
  image: integer(0, 2147483647),
  before: integer(0, 1000000),
  after: integer(0, 1000000),
  probability_before: number(0, 1),
  probability_after: number(0, 1),
});

const recordedRequest = object<RecordedRequest>({
  request: text(),
  status: integer(200, 599),
  gzipped: flag,
});

const exportedPage = object<ExportedPage>({
  title: text(),
  exported: text(),
  omitted: list(text()),
  link: text(),
  requests: list(recordedRequest),
});

const historyConcept = object<HistoryConcept>({
  id: integer(0, 2147483647),
  name: text(80),
  group: nullable(integer(0, 2147483647)),
});

const historyEvent = object<HistoryEvent>({
  step: integer(-(2 ** 63), 2 ** 63),
  kind: choice('born', 'confidence', 'dies', 'flips', 'merges', 'splits'),
  text: text(400),
  score: number(0),
  confidence: number(0, 1),
  before_step: integer(-(2 ** 63), 2 ** 63),
  before: list(integer(0, 2147483647), 200),
  after: list(integer(0, 2147483647), 200),
  cell: nullable(cellEntry),
  samples: nullable(integer(0, 1000000)),
  classes: nullable(list(integer(0, 1000000), 3, 1)),
});

const historyGroup = object<HistoryGroup>({
  id: integer(0, 2147483647),
  name: text(80),
});

const historyStepConcepts = object<HistoryStepConcepts>({
  ids: list(integer(0, 2147483647), 100),
  sizes: list(integer(0, 1000000), 100),
  by_events: nullable(number(0, 1)),
  by_churn: nullable(number(0, 1)),
});

const historyStep = object<HistoryStep>({
  step: integer(-(2 ** 63), 2 ** 63),
  wall_time: number(),
  revision: choice('logged', 'preliminary', 'refined'),
  sequence: nullable(integer(0, 2 ** 53)),
  status: choice('damaged', 'ok', 'too_new'),
  reason: nullable(text()),
  trustworthiness: nullable(number()),
  neighbors_kept: nullable(number()),
  samples: nullable(integer(0, 2 ** 53)),
  concepts: nullable(historyStepConcepts),
});

const historyResponse = object<HistoryResponse>({
  id: text(),
  logged: integer(0, 2 ** 53),
  kept: integer(0, 2 ** 53),
  steps: list(historyStep, 1000000),
  skipped: list(skippedEntry),
  events: nullable(list(historyEvent, 500)),
  events_found: integer(0, 2 ** 53),
  concepts: nullable(list(historyConcept, 5000)),
  groups: nullable(list(historyGroup, 5000)),
});

const seriesEntry = object<SeriesEntry>({
  id: text(),
  layer: text(),
  steps: list(integer(-(2 ** 63), 2 ** 63), 1000000),
  wall_times: list(number(), 1000000),
  versions: list(text(), 1000000),
  shortcuts: list(integer(-(2 ** 63), 2 ** 63), 1000000),
});

const runEntry = object<RunEntry>({
  id: text(),
  run: text(),
  probe: flag,
  series: list(seriesEntry),
});

const indexResponse = object<IndexResponse>({
  version: choice(2),
  kept_limit: nullable(integer(0, 2 ** 53)),
  runs: list(runEntry),
});

const patchesEntry = object<PatchesEntry>({
  tile: integer(1, 2048),
  columns: integer(1, 2048),
});

const probeManifest = object<ProbeManifest>({
  kind: choice('probe'),
  version: choice(4),
  blobs: list(blobEntry, 256),
  digest: text(1048576),
  images: integer(0, 1000000),
  input_size: list(integer(1, 65536), 2, 2),
  thumb_size: list(integer(1, 2048), 2, 2),
  tile: integer(1, 2048),
  columns: integer(1, 2048),
  classes: nullable(list(text(), 1000000)),
});

const shortcutTestEntry = object<ShortcutTestEntry>({
  step: integer(-(2 ** 63), 2 ** 63),
  flip_rate: nullable(number(0, 1)),
  noise_flip_rate: nullable(number(0, 1)),
  significant: flag,
});

const shortcutEntry = object<ShortcutEntry>({
  id: integer(0, 2147483647),
  target: integer(0, 1000000),
  box: list(integer(0, 65536), 4, 4),
  area: number(0, 1),
  flip_rate: number(0, 1),
  anywhere_flip_rate: number(0, 1),
  noise_flip_rate: number(0, 1),
  other_flip_rate: number(0, 1),
  same_flip_rate: number(0, 1),
  interval: list(number(-1, 1), 2, 2),
  strength: number(-100, 100),
  support: integer(0, 1000000),
  significant: flag,
  since: nullable(integer(-(2 ** 63), 2 ** 63)),
  image: integer(0, 2147483647),
  history: list(shortcutTestEntry, 1000),
  samples: list(integer(0, 999999), 64),
  similarity: nullable(number(-1, 1)),
  examples: list(exampleEntry, 12),
});

const shortcutsManifest = object<ShortcutsManifest>({
  kind: choice('shortcuts'),
  version: choice(4),
  blobs: list(blobEntry, 256),
  layer: text(1048576),
  step: integer(-(2 ** 63), 2 ** 63),
  wall_time: number(),
  classes: nullable(list(text(), 1000000)),
  probe: text(1048576),
  input_size: list(integer(1, 65536), 2, 2),
  images: integer(0, 1000000),
  patches: nullable(patchesEntry),
  found: list(shortcutEntry, 40),
});

const tensorEntry = object<TensorEntry>({
  dtype: choice('F16', 'F32', 'I32', 'U16', 'U8'),
  shape: list(integer(0, 1099511627776), 2),
  data_offsets: list(integer(0, 1099511627776), 2, 2),
});

/** Throws `WireError` unless `value` is a valid AtlasManifest. */
export function checkAtlasManifest(value: unknown, where: string): asserts value is AtlasManifest {
  atlasManifest(value, where);
}

/** Throws `WireError` unless `value` is a valid ClassAtlasEntry. */
export function checkClassAtlasEntry(
  value: unknown,
  where: string,
): asserts value is ClassAtlasEntry {
  classAtlasEntry(value, where);
}

/** Throws `WireError` unless `value` is a valid ErrorResponse. */
export function checkErrorResponse(value: unknown, where: string): asserts value is ErrorResponse {
  errorResponse(value, where);
}

/** Throws `WireError` unless `value` is a valid ExportedPage. */
export function checkExportedPage(value: unknown, where: string): asserts value is ExportedPage {
  exportedPage(value, where);
}

/** Throws `WireError` unless `value` is a valid HistoryResponse. */
export function checkHistoryResponse(
  value: unknown,
  where: string,
): asserts value is HistoryResponse {
  historyResponse(value, where);
}

/** Throws `WireError` unless `value` is a valid IndexResponse. */
export function checkIndexResponse(value: unknown, where: string): asserts value is IndexResponse {
  indexResponse(value, where);
}

/** Throws `WireError` unless `value` is a valid ProbeManifest. */
export function checkProbeManifest(value: unknown, where: string): asserts value is ProbeManifest {
  probeManifest(value, where);
}

/** Throws `WireError` unless `value` is a valid ShortcutsManifest. */
export function checkShortcutsManifest(
  value: unknown,
  where: string,
): asserts value is ShortcutsManifest {
  shortcutsManifest(value, where);
}

/** Throws `WireError` unless `value` is a valid TensorEntry. */
export function checkTensorEntry(value: unknown, where: string): asserts value is TensorEntry {
  tensorEntry(value, where);
}
