// SPDX-License-Identifier: Apache-2.0
/** One search for shortcuts: the validated response of `shortcuts`. */

import { fetchPicture, getJson } from './api';
import type {
  ExampleEntry,
  ShortcutEntry,
  ShortcutsManifest,
  ShortcutTestEntry,
} from './generated/types';
import { checkShortcutsManifest } from './generated/validators';
import { WireError } from './json_checks';
import { checkSheets, type Page, pagesOf } from './manifest';

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
  /** Probability of the target, not of the predicted class. */
  readonly probabilityBefore: number;
  readonly probabilityAfter: number;
}

/** Effect of the same patch at one step; null if it was not tested. */
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
  /** Rows of the atlas nearest to the activation of the patch, and the cosine of the nearest. */
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
  /** The most significant first. */
  readonly found: readonly Shortcut[];
}

export function fetchSearch(id: string, step: number): Promise<Search> {
  return getJson('shortcuts', { id, step }, (json) => readSearch(json, step));
}

export function fetchPatches(id: string, step: number, page: Page): Promise<ImageBitmap> {
  return fetchPicture('patches', { id, step, blob: page.blob, v: page.crc32c });
}

export function readSearch(json: unknown, step: number): Search {
  checkShortcutsManifest(json, 'shortcuts');
  if (json.step !== step) throw new WireError(`shortcuts.step is not ${step}`);
  const { classes, probe, input_size: inputSize, images } = json;
  const found = json.found.map((one) => readShortcut(one, inputSize));
  return { step, classes, probe, inputSize, images, patches: readPatches(json, found), found };
}

function readPatches(search: ShortcutsManifest, found: readonly Shortcut[]): Search['patches'] {
  if (search.patches === null) {
    if (found.length > 0) throw new WireError('shortcuts.patches are missing');
    return null;
  }
  const { tile, columns } = search.patches;
  const pages = pagesOf(search.blobs, 'patches', null);
  checkSheets('shortcuts.patches', found.length, tile, columns, pages);
  if (found.some(({ box }) => box.width > tile || box.height > tile)) {
    throw new WireError('shortcuts.patches exceed their tile');
  }
  const page = pages[0];
  return page ? { tile, columns, page } : null;
}

function readShortcut(one: ShortcutEntry, [height, width]: readonly [number, number]): Shortcut {
  const [y0, x0, y1, x1] = one.box;
  if (y1 <= y0 || x1 <= x0 || y1 > height || x1 > width) {
    throw new WireError('shortcuts: a box is not within the image');
  }
  const [low, high] = one.interval;
  if (low > high) throw new WireError('shortcuts: no such interval');
  return {
    ...one,
    id: String(one.id),
    box: { x: x0, y: y0, width: x1 - x0, height: y1 - y0 },
    rates: {
      flip: one.flip_rate,
      anywhere: one.anywhere_flip_rate,
      noise: one.noise_flip_rate,
      other: one.other_flip_rate,
      same: one.same_flip_rate,
    },
    history: one.history.map(readTrace),
    examples: one.examples.map(readExample),
  };
}

function readTrace(test: ShortcutTestEntry): Trace {
  const { step, flip_rate: flipRate, noise_flip_rate: noiseFlipRate, significant } = test;
  return { step, flipRate, noiseFlipRate, significant };
}

function readExample({ image, before, after, ...example }: ExampleEntry): Example {
  const { probability_before: probabilityBefore, probability_after: probabilityAfter } = example;
  return { image, before, after, probabilityBefore, probabilityAfter };
}
