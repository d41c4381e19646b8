// SPDX-License-Identifier: Apache-2.0
/** Territories of concepts on a grid: the cells of each, the borders between them, and where their names go. */

import { PairCache } from '../util/pair_cache';
import { type Atlas, cellAt, type Level } from '../wire/atlas';
import type { Point } from './camera';
import { majority } from './cell_stats';
import { type Concept, conceptsOf } from './concepts';

/** A name at the largest connected territory of a concept. */
export interface NameAnchor {
  readonly concept: Concept;
  /** In map units, inside the territory. */
  readonly at: Point;
  /** Number of cells of the territory. */
  readonly cells: number;
  /** Number of its cells in a row there. */
  readonly across: number;
}

export interface Territories {
  /** Id of the concept of most samples of each cell, or -1. */
  readonly owners: Int32Array;
  /** Lines around the cells of each concept in map units: x and y of both ends of each. */
  readonly borders: Float32Array;
  /** Concepts of many samples first. */
  readonly names: readonly NameAnchor[];
}

const cache = new PairCache<Atlas, Level, { readonly found: Territories | null }>();

/** The territories on a grid; null where concepts were not tracked. */
export function territoriesOf(atlas: Atlas, level: Level): Territories | null {
  return cache.get(atlas, level, () => ({ found: findTerritories(atlas, level) })).found;
}

function findTerritories(atlas: Atlas, level: Level): Territories | null {
  const concepts = conceptsOf(atlas);
  if (concepts === null || atlas.concepts === null) return null;
  const owners = majority(level, atlas.concepts).index;
  return { owners, borders: findBorders(level, owners), names: findNames(level, owners, concepts) };
}

/** Edges of the cells of each concept to all other cells, joined to lines as long as they are straight. */
function findBorders(level: Level, owners: Int32Array): Float32Array {
  const { size } = level;
  const lines: number[] = [];
  // No cell is like a cell of no concept.
  const differ = (a: number, b: number) => (owners[a] ?? -1) !== (owners[b] ?? -1);
  for (let line = 0; line <= size; line++) {
    const down = (row: number) => differ(cellAt(level, row, line - 1), cellAt(level, row, line));
    const across = (col: number) => differ(cellAt(level, line - 1, col), cellAt(level, line, col));
    for (const [from, to] of runsOf(size, down)) lines.push(line, from, line, to);
    for (const [from, to] of runsOf(size, across)) lines.push(from, line, to, line);
  }
  return Float32Array.from(lines, (value) => value / size);
}

/** Ranges of consecutive numbers below `size` for which `is` holds: the first, and the one after the last. */
function runsOf(size: number, is: (i: number) => boolean): (readonly [number, number])[] {
  const runs: (readonly [number, number])[] = [];
  let from = 0;
  for (let i = 0; i <= size; i++) {
    if (i < size && is(i)) continue;
    if (i > from) runs.push([from, i]);
    from = i + 1;
  }
  return runs;
}

function findNames(
  level: Level,
  owners: Int32Array,
  concepts: readonly Concept[],
): readonly NameAnchor[] {
  const largest = new Map<number, readonly number[]>();
  const seen = new Uint8Array(owners.length);
  owners.forEach((owner, cell) => {
    if (seen[cell]) return;
    const territory = fill(level, owners, cell, seen);
    if (territory.length > (largest.get(owner)?.length ?? 0)) largest.set(owner, territory);
  });
  return concepts
    .flatMap((concept) => {
      const cells = largest.get(concept.id);
      return cells ? { concept, cells: cells.length, ...findAnchor(level, owners, cells) } : [];
    })
    .sort((a, b) => b.concept.size - a.concept.size || a.concept.id - b.concept.id);
}

/** All cells that are connected to `first` by sides through cells of its owner; marks them in `seen`. */
function fill(level: Level, owners: Int32Array, first: number, seen: Uint8Array): number[] {
  const cells = [first];
  seen[first] = 1;
  for (const cell of cells) {
    for (const next of neighborsOf(level, cell)) {
      if (next < 0 || seen[next] || owners[next] !== owners[first]) continue;
      seen[next] = 1;
      cells.push(next);
    }
  }
  return cells;
}

/** The cells at the four sides of a cell, -1 where there is none. */
function neighborsOf(level: Level, cell: number): readonly number[] {
  const [row, col] = [level.rows[cell] as number, level.cols[cell] as number];
  return [
    cellAt(level, row - 1, col),
    cellAt(level, row + 1, col),
    cellAt(level, row, col - 1),
    cellAt(level, row, col + 1),
  ];
}

/** The middle of the longest run of cells in a row, or of one not much shorter that is nearer to the centroid. */
function findAnchor(
  { size, rows, cols, lookup }: Level,
  owners: Int32Array,
  cells: readonly number[],
): Pick<NameAnchor, 'at' | 'across'> {
  const meanOf = (values: Int32Array) =>
    cells.reduce((sum, cell) => sum + (values[cell] as number), 0) / cells.length;
  const [row, col] = [meanOf(rows), meanOf(cols)];
  let best = { x: 0, y: 0, across: 0, worth: Number.NEGATIVE_INFINITY };
  for (const cell of cells) {
    const [y, from] = [rows[cell] as number, cols[cell] as number];
    const isOwn = (x: number) =>
      x >= 0 && x < size && owners[lookup[y * size + x] as number] === owners[cell];
    // Each run once, from its left end.
    if (isOwn(from - 1)) continue;
    let to = from + 1;
    while (isOwn(to)) to++;
    const x = (from + to) / 2;
    const worth = to - from - Math.hypot(x - 0.5 - col, y - row);
    if (worth > best.worth) best = { x, y: y + 0.5, across: to - from, worth };
  }
  return { at: { x: best.x / size, y: best.y / size }, across: best.across };
}

/** A rectangle in map units, by its middle. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface PlacedName {
  readonly anchor: NameAnchor;
  readonly box: Box;
}

/** A territory smaller than this share of its name carries none: it would name its neighbors. */
const LEAST_AREA = 0.5;

/**
 * The names that are shown in a part of the map, largest concepts first, none of which overlap. Which
 * overlap depends on the zoom alone. At an edge of the view names are moved inwards, as long as they stay on
 * their concept and make no other name go.
 */
export function placeNames(
  { names, owners }: Territories,
  level: Level,
  view: Box,
  /** Size of a name in map units. */
  sizeOf: (anchor: NameAnchor) => Pick<Box, 'width' | 'height'>,
): readonly PlacedName[] {
  const { size } = level;
  const chosen: Box[] = [];
  const still: PlacedName[] = [];
  const moved: PlacedName[] = [];
  for (const anchor of names) {
    const { concept, at, cells } = anchor;
    const own = { ...at, ...sizeOf(anchor) };
    const isSmall = cells / size ** 2 < LEAST_AREA * own.width * own.height;
    if (isSmall || isTaken(own, chosen)) continue;
    chosen.push(own);
    const x = within(at.x, view.x, view.width - own.width);
    const y = within(at.y, view.y, view.height - own.height);
    const below = cellAt(level, Math.floor(y * size), Math.floor(x * size));
    if (!isInside(view, at) && owners[below] !== concept.id) continue;
    (x === at.x && y === at.y ? still : moved).push({ anchor, box: { ...own, x, y } });
  }
  for (const name of moved) {
    if (
      !isTaken(
        name.box,
        still.map(({ box }) => box),
      )
    )
      still.push(name);
  }
  return still;
}

function isTaken(box: Box, others: readonly Box[]): boolean {
  return others.some((other) => overlap(box, other));
}

/** The value nearest to `value` that is at most half of `room` from `middle`. */
function within(value: number, middle: number, room: number): number {
  return Math.max(middle - room / 2, Math.min(value, middle + room / 2));
}

function overlap(a: Box, b: Box): boolean {
  return isInside({ ...a, width: a.width + b.width, height: a.height + b.height }, b);
}

export function isInside({ x, y, width, height }: Box, point: Point): boolean {
  return 2 * Math.abs(point.x - x) < width && 2 * Math.abs(point.y - y) < height;
}
