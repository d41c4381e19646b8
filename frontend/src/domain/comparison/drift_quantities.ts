// SPDX-License-Identifier: Apache-2.0
/** Drift of activations, and change of rank of the top class of a cell. */

import { count, percent } from '../../util/format';
import { PairCache } from '../../util/pair_cache';
import type { Activations } from '../../wire/activations';
import { type Atlas, type Level, levelOf } from '../../wire/atlas';
import { type Attribution, findAttribution } from '../../wire/attribution';
import { dot } from '../nearest_samples';
import { ERRORS, errorOf } from './difference';
import { type DriftValues, summarize } from './drift';

interface Turns {
  /** Of every sample; NaN where it is not known. */
  readonly changes: Float32Array;
  /** The part that storage precision alone can cause; null if unknown. */
  readonly floor: Float32Array | null;
  readonly note: string;
}

const turns = new PairCache<Activations, Activations, Turns>();
const turned = new PairCache<Level, Turns, DriftValues>();

/** 1 − cosine of every sample's activations at both steps, on a level of the later one; or why it is unknown. */
export function findTurns(from: Activations, to: Activations, level: Level): DriftValues | string {
  if (from.channels !== to.channels || !from.axes !== !to.axes) {
    return 'The two steps store different channels or components: directions cannot be compared.';
  }
  // Once for all levels: with principal components of a wide layer it takes long.
  const found = turns.get(from, to, () => turn(from, to));
  return turned.get(level, found, () => ({
    ...summarize(level, found.changes, found.floor),
    note: found.note,
  }));
}

function turn(from: Activations, to: Activations): Turns {
  const [was, is] = [squares(from), squares(to)];
  const seen = from.axes && to.axes ? onAxes(from, from.axes, to.axes) : from;
  const changes = Float32Array.from(is, (square, row) =>
    Math.max(0, 1 - dot(seen, row, to, row) / Math.sqrt((was[row] as number) * square)),
  );
  const [one, other] = [strayOf(from, was), strayOf(to, is)];
  const floor =
    one && other && changes.map((_, row) => 1 - Math.cos(Math.min(Math.PI, one(row) + other(row))));
  const lost = percent(Math.max(from.lostVariance ?? 0, to.lostVariance ?? 0, LEAST_LOST));
  const note = floor ? ` Storing as ${to.kind} lost ${lost} of the variance.` : '';
  return { changes, floor, note };
}

function squares(of: Activations): Float64Array {
  return Float64Array.from({ length: of.values.length / of.width }, (_, row) =>
    dot(of, row, of, row),
  );
}

/** A smaller lost share counts as this one. */
const LEAST_LOST = 1e-6;

/**
 * The estimated angle by which storage rotated a row: the lost share of the variance
 * is recorded for all rows together, and each row is assumed to have lost the mean.
 */
function strayOf(
  { lostVariance }: Activations,
  lengths: Float64Array,
): ((row: number) => number) | null {
  if (lostVariance === null) return null;
  const share = Math.max(lostVariance, LEAST_LOST);
  const sound = lengths.filter(Number.isFinite);
  const mean = sound.reduce((sum, square) => sum + square, 0) / sound.length;
  const gone = Math.sqrt((mean * share) / (1 - share));
  return (row) => Math.atan2(gone, Math.sqrt(lengths[row] as number));
}

/** Each step has its own principal axes: projects those of one onto those of the other. */
function onAxes(of: Activations, own: Float32Array, others: Float32Array): Activations {
  const { width, values, mean, channels } = of;
  const between = products(others, own, channels);
  return {
    ...of,
    width: others.length / channels,
    values: products(values, between, width),
    mean: products(mean, between, width),
  };
}

/** Every row of `a` times every row of `b`. */
function products(a: Float32Array, b: Float32Array, width: number): Float32Array {
  const [rows, columns] = [a.length / width, b.length / width];
  const found = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let i = 0; i < width; i++) {
        sum += (a[row * width + i] as number) * (b[column * width + i] as number);
      }
      found[row * columns + column] = sum;
    }
  }
  return found;
}

const falls = new PairCache<Level, Atlas, DriftValues | string>();

/**
 * By how many ranks the class with the highest attribution in a sample's cell fell, as `attribution_rank`
 * of `compare_atlases` counts them: from the old to the new cell of the sample; or why they are unknown.
 */
export function findFalls(other: Atlas, now: Atlas, level: Level): DriftValues | string {
  return falls.get(level, other, () => fall(other, now, level));
}

function fall(other: Atlas, now: Atlas, level: Level): DriftValues | string {
  const before = levelOf(other, level.size);
  if (before === undefined) return noGrid(other, level);
  const [was, is] = [findAttribution(other, before), findAttribution(now, level)];
  if (typeof was === 'string') return was;
  if (typeof is === 'string') return is;
  if (was.classes !== is.classes) return 'The two steps have different classes.';
  const found = new Map<string, readonly [places: number, floor: number]>();
  const pairs = Array.from(level.cellOf, (cell, row) => {
    const from = before.cellOf[row] as number;
    const key = `${from} ${cell}`;
    const known = found.get(key) ?? between(was, before, from, is, level, cell);
    found.set(key, known);
    return known;
  });
  return summarize(
    level,
    Float32Array.from(pairs, ([places]) => places),
    was.spread && is.spread && Float32Array.from(pairs, ([, floor]) => floor),
  );
}

/** The message that a step has no grid of this size. */
export function noGrid({ step }: Atlas, { size }: Level): string {
  return `Step ${count(step)} has no ${size} × ${size} grid.`;
}

/** Ranks that the top class of one cell fell in another, and the threshold: the change is significant if the lead changed by more than the error. */
function between(
  was: Attribution,
  levelA: Level,
  a: number,
  is: Attribution,
  levelB: Level,
  b: number,
): readonly [places: number, floor: number] {
  const [said, says] = [attributionsOf(was, a), attributionsOf(is, b)];
  if (![...said, ...says].every(Number.isFinite)) return [Number.NaN, 0];
  const [first, top] = [firstOf(said), firstOf(says)];
  const own = says[first] as number;
  const lead = (values: Float32Array) => (values[first] as number) - (values[top] as number);
  const error = Math.hypot(
    ...[first, top].flatMap((i) => [errorOf(was, levelA, a, i), errorOf(is, levelB, b, i)]),
  );
  return [
    says.filter((value) => value > own).length,
    lead(said) - lead(says) > ERRORS * error ? 0 : Number.POSITIVE_INFINITY,
  ];
}

const attributionsOf = ({ classes, at }: Attribution, cell: number) =>
  Float32Array.from({ length: classes }, (_, index) => at(cell, index));

const firstOf = (values: Float32Array) =>
  values.indexOf(values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY));
