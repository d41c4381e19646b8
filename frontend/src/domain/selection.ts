// SPDX-License-Identifier: Apache-2.0
/** Samples that the user selected, and whether an atlas contains the same samples. */

import { shorten } from '../util/format';
import type { Atlas } from '../wire/atlas';
import type { Point } from './camera';
import { classAtlasOf, NOT_FOLLOWED } from './class_atlas';

export interface Selection {
  /** Empty until it is saved. */
  readonly name: string;
  readonly layer: string;
  /** The step on whose map they were chosen. */
  readonly step: number;
  readonly probe: string;
  /** Number of samples of the atlas, and a checksum that identifies them. */
  readonly of: number;
  readonly mark: number;
  /** Rows of the chosen ones, ascending. */
  readonly rows: Int32Array;
}

const LAYER = 60;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

const markOf = new WeakMap<Atlas, number>();

/** A number for the samples of an atlas: of which images they are, and where in those. */
export function sampleMark(atlas: Atlas): number {
  let mark = markOf.get(atlas);
  if (mark === undefined) {
    mark = FNV_OFFSET;
    for (const values of [atlas.imageIds, atlas.boxes]) {
      for (const value of values) mark = Math.imul(mark ^ value, FNV_PRIME);
    }
    mark >>>= 0;
    markOf.set(atlas, mark);
  }
  return mark;
}

export function selectionOf(atlas: Atlas, rows: Int32Array): Selection {
  const { layer, probeDigest } = atlas.manifest;
  const { step, count } = atlas;
  return { name: '', layer, step, probe: probeDigest, of: count, mark: sampleMark(atlas), rows };
}

/** Why the rows of `selection` mean nothing in `atlas`, as a sentence; null where they do. */
export function whyNotIn(atlas: Atlas, selection: Selection): string | null {
  const { layer, step, probe, of, mark } = selection;
  if (layer !== atlas.manifest.layer) return `It belongs to layer ${shorten(layer, LAYER)}.`;
  if (classAtlasOf(atlas) !== null && step !== atlas.step) return NOT_FOLLOWED;
  const same = probe === atlas.manifest.probeDigest && of === atlas.count;
  return same && mark === sampleMark(atlas) ? null : 'Its samples are not those of this atlas.';
}

/** Samples on the edges of the map are inside an outline that reaches the edges. */
const beyondRim = (at: number) => (at >= 1 ? 2 : at <= 0 ? -1 : at);

/** Rows of the samples inside a closed outline in map units: by the even-odd rule, half open. */
export function rowsInside({ xy, count }: Atlas, drawn: readonly Point[]): Int32Array {
  const outline = drawn.map(({ x, y }) => ({ x: beyondRim(x), y: beyondRim(y) }));
  const [xs, ys] = [outline.map(({ x }) => x), outline.map(({ y }) => y)];
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const rows: number[] = [];
  for (let row = 0; row < count; row++) {
    const [x, y] = [xy[2 * row] as number, xy[2 * row + 1] as number];
    if (x < left || x > right || y < top || y > bottom) continue;
    if (encloses(outline, x, y)) rows.push(row);
  }
  return Int32Array.from(rows);
}

function encloses(outline: readonly Point[], x: number, y: number): boolean {
  let inside = false;
  let before = outline.at(-1);
  for (const corner of outline) {
    if (before && corner.y > y !== before.y > y) {
      const share = (y - corner.y) / (before.y - corner.y);
      if (x < corner.x + share * (before.x - corner.x)) inside = !inside;
    }
    before = corner;
  }
  return inside;
}

/** The outline of a rectangle between two opposite corners. */
export function rectangle(a: Point, b: Point): Point[] {
  return [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
}

interface Cell {
  readonly row: number;
  readonly col: number;
}

/** The outline of all cells of a grid from one to another. */
export function cellBlock(size: number, from: Cell, to: Cell): Point[] {
  const low = (a: number, b: number) => Math.min(a, b) / size;
  const high = (a: number, b: number) => (Math.max(a, b) + 1) / size;
  return rectangle(
    { x: low(from.col, to.col), y: low(from.row, to.row) },
    { x: high(from.col, to.col), y: high(from.row, to.row) },
  );
}
