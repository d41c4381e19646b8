// SPDX-License-Identifier: Apache-2.0
/** One search for shortcuts: the answer of `shortcuts`, checked before anything believes it. */

import { fetchPicture, getJson } from './api';
import { asNumber, asText, Fields, WireError } from './json_reader';
import { checkSheets, MAX_SAMPLES, MAX_SHEET_SIDE, type Page } from './manifest';

const MOST_FOUND = 40;
const MOST_SAMPLES = 64;
const MOST_EXAMPLES = 12;
const MOST_CHECKPOINTS = 1000;
const MOST_CLASSES = 100_000;
const MOST_IMAGES = 1_000_000_000;
const MAX_INT = 2 ** 31 - 1;

/** A rectangle of the input, in pixels. */
interface PatchBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An image of the probe without the patch and with it. */
export interface Example {
  readonly image: number;
  readonly before: number;
  readonly after: number;
  /** Of the target, not of the class that was said. */
  readonly probabilityBefore: number;
  readonly probabilityAfter: number;
}

/** What the same patch did at one checkpoint; null where it was not tried. */
interface Trace {
  readonly step: number;
  readonly flipRate: number | null;
  readonly noiseFlipRate: number | null;
  readonly significant: boolean;
}

export interface Rates {
  readonly flip: number;
  readonly anywhere: number;
  readonly noise: number;
  readonly other: number;
  readonly same: number;
}

export interface Shortcut {
  /** The same at every step of a log. */
  readonly id: string;
  readonly target: number;
  /** Where it is pasted, in input pixels. */
  readonly box: PatchBox;
  readonly area: number;
  readonly rates: Rates;
  /** 95 % of the difference between patch and noise. */
  readonly interval: readonly [number, number];
  readonly strength: number;
  /** Images that argue for the target by a like place. */
  readonly support: number;
  readonly significant: boolean;
  /** First step at which it was significant. */
  readonly since: number | null;
  /** The image of the probe that it was cut from. */
  readonly image: number;
  readonly history: readonly Trace[];
  /** Rows of the atlas nearest to what the patch makes the layer answer, and the nearest's cosine. */
  readonly samples: readonly number[];
  readonly similarity: number | null;
  readonly examples: readonly Example[];
}

export interface Search {
  readonly step: number;
  readonly classes: readonly string[] | null;
  readonly probe: string;
  readonly inputSize: readonly [number, number];
  /** Images of the probe that were searched. */
  readonly images: number;
  /** The picture page of all patches and its tiles; null without any. */
  readonly patches: { readonly tile: number; readonly columns: number; readonly page: Page } | null;
  /** The most telling first. */
  readonly found: readonly Shortcut[];
}

export function fetchSearch(id: string, step: number): Promise<Search> {
  return getJson('shortcuts', { id, step }, (json) => readSearch(json, step));
}

export function fetchPatches(id: string, step: number, page: Page): Promise<ImageBitmap> {
  return fetchPicture('patches', { id, step, blob: page.blob, v: page.crc32c });
}

export function readSearch(json: unknown, step: number): Search {
  const search = new Fields(json, 'shortcuts');
  const [height = 0, width = 0] = search.list('input_size', 2, asWhole);
  const found = search.list('found', MOST_FOUND, (item, where) =>
    readShortcut(new Fields(item, where), [height, width]),
  );
  if (search.raw('step') !== step) throw new WireError(`shortcuts.step is not ${step}`);
  const classes = search.listOrNull('classes', MOST_CLASSES, asText);
  return {
    step,
    classes,
    probe: search.text('probe'),
    inputSize: [height, width],
    images: search.whole('images', 0, MOST_IMAGES),
    patches: readPatches(search, found),
    found,
  };
}

function readPatches(search: Fields, found: readonly Shortcut[]): Search['patches'] {
  if (search.raw('patches') == null) {
    if (found.length > 0) throw new WireError('shortcuts.patches are missing');
    return null;
  }
  const patches = search.object('patches');
  const tile = patches.whole('tile', 1, MAX_SHEET_SIDE);
  const columns = patches.whole('columns', 1, MAX_SHEET_SIDE);
  const pages = search.list('blobs', 1, (item, where) => {
    const blob = new Fields(item, where);
    return { blob: 1, crc32c: blob.text('crc32c') };
  });
  checkSheets('shortcuts.patches', found.length, tile, columns, pages);
  if (found.some(({ box }) => box.width > tile || box.height > tile)) {
    throw new WireError('shortcuts.patches exceed their tile');
  }
  const page = pages[0];
  return page ? { tile, columns, page } : null;
}

function readShortcut(one: Fields, [height, width]: readonly [number, number]): Shortcut {
  const [y0 = 0, x0 = 0, y1 = 0, x1 = 0] = one.list('box', 4, asWhole);
  if (y1 <= y0 || x1 <= x0 || y1 > height || x1 > width) {
    throw new WireError('shortcuts: a box is not within the image');
  }
  const [low = Number.NaN, high = Number.NaN] = one.list('interval', 2, asNumber);
  if (!(low >= -1 && low <= high && high <= 1)) throw new WireError('shortcuts: no such interval');
  const since = one.raw('since') == null ? null : stepOf(one, 'since');
  return {
    id: String(one.whole('id', 0, MAX_INT)),
    target: one.whole('target', 0, MAX_INT),
    box: { x: x0, y: y0, width: x1 - x0, height: y1 - y0 },
    area: share(one, 'area'),
    rates: {
      flip: share(one, 'flip_rate'),
      anywhere: share(one, 'anywhere_flip_rate'),
      noise: share(one, 'noise_flip_rate'),
      other: share(one, 'other_flip_rate'),
      same: share(one, 'same_flip_rate'),
    },
    interval: [low, high],
    strength: one.number('strength'),
    support: one.whole('support', 0, MOST_IMAGES),
    significant: one.flag('significant'),
    since,
    image: one.whole('image', 0, MAX_INT),
    history: one.list('history', MOST_CHECKPOINTS, readTrace),
    samples: one.list('samples', MOST_SAMPLES, asWhole),
    similarity: one.numberOrNull('similarity'),
    examples: one.list('examples', MOST_EXAMPLES, readExample),
  };
}

function readTrace(item: unknown, where: string): Trace {
  const trace = new Fields(item, where);
  return {
    step: stepOf(trace, 'step'),
    flipRate: shareOrNull(trace, 'flip_rate'),
    noiseFlipRate: shareOrNull(trace, 'noise_flip_rate'),
    significant: trace.flag('significant'),
  };
}

function readExample(item: unknown, where: string): Example {
  const example = new Fields(item, where);
  return {
    image: example.whole('image', 0, MAX_INT),
    before: example.whole('before', 0, MAX_INT),
    after: example.whole('after', 0, MAX_INT),
    probabilityBefore: share(example, 'probability_before'),
    probabilityAfter: share(example, 'probability_after'),
  };
}

function share(fields: Fields, key: string): number {
  const value = fields.number(key);
  if (value >= 0 && value <= 1) return value;
  throw new WireError(`shortcuts: ${key} is no share`);
}

function shareOrNull(fields: Fields, key: string): number | null {
  return fields.raw(key) == null ? null : share(fields, key);
}

function stepOf(fields: Fields, key: string): number {
  return fields.whole(key, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
}

/** A row of an atlas, or pixels. */
function asWhole(item: unknown, where: string): number {
  const value = asNumber(item, where);
  if (value >= 0 && value <= MAX_SAMPLES && Number.isInteger(value)) return value;
  throw new WireError(`${where} is not a whole number`);
}
