// SPDX-License-Identifier: Apache-2.0
/** Matches the samples of two atlases, by the same rules as `sample_matching.py`. */

import { shorten } from '../../util/format';
import { PairCache } from '../../util/pair_cache';
import { type Atlas, cellAt, type Level, levelOf } from '../../wire/atlas';
import { membersOf } from '../cell_stats';
import { type ClassAtlas, classAtlasOf } from '../class_atlas';
import type { CellPlace } from '../display_types';
import { countIn } from '../sample_rows';

/** Settings that change how an atlas is drawn or made, but not what is compared. */
const PICTURES = new Set([
  'icons',
  'icon_size',
  'icon_steps',
  'attribution_samples',
  'icon_seconds',
  'draft_seconds',
  'batch_size',
]);
const SHOWN_NAME = 40;
const SHOWN_VALUE = 24;
/** Largest distance of matched receptive fields, as a fraction of the side of the image. */
const MAX_DISTANCE = 0.1;
/** With more pairs of samples of one image than these none is linked: a log may hold any number. */
const MOST_PAIRS = 2_000_000;
const ABSENT = -1;

/** Settings that differ between two atlases, by name, with both values. */
export function differences(a: Atlas, b: Atlas): readonly string[] {
  const [ours, theirs] = [recipeOf(a), recipeOf(b)];
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .sort()
    .filter((name) => ours.get(name) !== theirs.get(name))
    .map((name) => {
      const [left, right] = [ours, theirs].map((one) =>
        shorten(one.get(name) ?? 'not set', SHOWN_VALUE),
      );
      return `${shorten(name, SHOWN_NAME)} (${left} and ${right})`;
    });
}

function recipeOf(atlas: Atlas): Map<string, string> {
  const { settings, probeDigest } = atlas.manifest;
  const names = Object.keys(settings).filter((name) => !PICTURES.has(name));
  const recipe = new Map(names.map((name) => [name, JSON.stringify(settings[name])]));
  const chosen = classAtlasOf(atlas);
  if (chosen !== null) recipe.set('classes of a class atlas', chosen.names.join(' / '));
  return recipe.set('probe', probeDigest);
}

/** Whether both hold samples of one probe, without which nothing can be linked. */
export function shareProbe(a: Atlas, b: Atlas): boolean {
  return a.manifest.probeDigest === b.manifest.probeDigest;
}

const matches = new PairCache<Atlas, Atlas, Int32Array>();

/** The row of `b` that is the same sample as each row of `a`, or -1; both of one probe. */
export function sameSamples(a: Atlas, b: Atlas): Int32Array {
  return matches.get(a, b, () => match(a, b));
}

function match(a: Atlas, b: Atlas): Int32Array {
  const [chosenA, chosenB] = [classAtlasOf(a), classAtlasOf(b)];
  const one = a.count === b.count && a.imageIds.every((image, row) => image === b.imageIds[row]);
  if (one && chosenA === null && chosenB === null) return a.imageIds.map((_, row) => row);
  return settingsOf(a, chosenA) === settingsOf(b, chosenB) ? samePlaces(a, b) : sameSpots(a, b);
}

function settingsOf(atlas: Atlas, chosen: ClassAtlas | null): string {
  return chosen?.layer ?? atlas.manifest.layer;
}

/** The same place on one layer's map of the same image. */
function samePlaces(a: Atlas, b: Atlas): Int32Array {
  const spell = (atlas: Atlas) => {
    const places = atlas.tensors.int32('positions', atlas.count, 2);
    return (row: number) => `${atlas.imageIds[row]},${places[2 * row]},${places[2 * row + 1]}`;
  };
  const [ours, theirs] = [spell(a), spell(b)];
  const there = new Map(Array.from(b.imageIds, (_, row) => [theirs(row), row]));
  return a.imageIds.map((_, row) => there.get(ours(row)) ?? ABSENT);
}

/** Pairs of samples of one image with the closest receptive fields, in sides of the image; each sample at most once. */
function sameSpots(a: Atlas, b: Atlas): Int32Array {
  const found = a.imageIds.map(() => ABSENT);
  const taken = new Uint8Array(b.count);
  for (const { row, other } of nearPairs(a, b).sort((one, two) => one.away - two.away)) {
    if (found[row] !== ABSENT || taken[other]) continue;
    found[row] = other;
    taken[other] = 1;
  }
  return found;
}

interface Pair {
  readonly row: number;
  readonly other: number;
  readonly away: number;
}

function nearPairs(a: Atlas, b: Atlas): Pair[] {
  const ofImage = new Map<number, number[]>();
  b.imageIds.forEach((image, row) => {
    const rows = ofImage.get(image);
    if (rows) rows.push(row);
    else ofImage.set(image, [row]);
  });
  const [ours, theirs] = [findCenters(a), findCenters(b)];
  const pairs: Pair[] = [];
  let looked = 0;
  for (let row = 0; row < a.count; row++) {
    const others = ofImage.get(a.imageIds[row] as number) ?? [];
    looked += others.length;
    if (looked > MOST_PAIRS) return [];
    for (const other of others) {
      const along = (axis: 0 | 1) =>
        (ours[2 * row + axis] as number) - (theirs[2 * other + axis] as number);
      const away = Math.hypot(along(0), along(1));
      if (away <= MAX_DISTANCE) pairs.push({ row, other, away });
    }
  }
  return pairs;
}

/** Center of each receptive field, y and x, relative to the size of the image. */
function findCenters({ boxes, count }: Atlas): Float64Array {
  const centers = new Float64Array(2 * count);
  for (const axis of [0, 1]) {
    let side = 1;
    for (let row = 0; row < count; row++)
      side = Math.max(side, boxes[4 * row + 2 + axis] as number);
    for (let row = 0; row < count; row++) {
      const ends = (boxes[4 * row + axis] as number) + (boxes[4 * row + 2 + axis] as number);
      centers[2 * row + axis] = ends / 2 / side;
    }
  }
  return centers;
}

/** One cell of one atlas. */
export interface Source {
  readonly atlas: Atlas;
  readonly level: Level;
  readonly cell: number;
}

/** The drawn cell at a place, or null. */
export function sourceAt(atlas: Atlas | null, place: CellPlace | null): Source | null {
  const level = levelOf(atlas, place?.size);
  const cell = level && place ? cellAt(level, place.row, place.col) : ABSENT;
  return atlas && level && cell >= 0 ? { atlas, level, cell } : null;
}

/** Cells of the samples of a cell on a grid of another atlas. */
export interface LinkedCells {
  /** Those that the other holds. */
  readonly rows: Int32Array;
  /** By cell: the share of all samples of the source that it holds. */
  readonly shares: Float32Array;
  /** The cell with the greatest share, or -1. */
  readonly best: number;
  /** Cells with any of them. */
  readonly cells: number;
}

export function findLinkedCells(
  { atlas, level, cell }: Source,
  other: Atlas,
  grid: Level,
): LinkedCells {
  const members = membersOf(level, cell);
  const there = sameSamples(atlas, other);
  const rows = members.map((row) => there[row] as number).filter((row) => row >= 0);
  const counts = countIn(grid, rows);
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  return {
    rows,
    shares: Float32Array.from(counts, (count) => count / members.length),
    best: most === 0 ? ABSENT : counts.indexOf(most),
    cells: counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0),
  };
}
