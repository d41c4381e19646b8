// SPDX-License-Identifier: Apache-2.0
/** Colors of cells, points, and the legend. */

import { count, fraction } from '../util/format';
import { type Atlas, className, isMultiLabel, type Level } from '../wire/atlas';
import type { Points } from '../wire/point_tile';
import { classMix, judge, majority, membersOf, type Share } from './cell_stats';
import { MIN_SUPPORT } from './class_filter';
import { conceptColor, NO_CONCEPT_COLOR } from './concept_colors';
import { conceptsOf } from './concepts';
import type { ColorMode, Rgb, ShowMode } from './display_types';

/** Okabe and Ito's eight without black, which is lost on dark ground; its place takes a gray. */
const OKABE_ITO = '#e69f00 #56b4e9 #009e73 #f0e442 #0072b2 #d55e00 #cc79a7 #8c8c8c'.split(' ');
/** Tol's nine muted colors and a gray: distinguishable under the common color-vision deficiencies. */
const MUTED =
  '#cc6677 #3d49b0 #ddcc77 #117733 #88ccee #882255 #44aa99 #999933 #aa4499 #9a9a9a'.split(' ');
const OTHER = '#9a9a9a';
/** Viridis at nine even places. */
const VIRIDIS = '#440154 #472d7b #3b528b #2c728e #21918c #28ae80 #5ec962 #addc30 #fde725'.split(
  ' ',
);

const rgbOf = new Map<string, Rgb>();

export function toRgb(hex: string): Rgb {
  let rgb = rgbOf.get(hex);
  if (rgb === undefined) {
    const bits = Number.parseInt(hex.slice(1), 16);
    rgb = [(bits >> 16) & 255, (bits >> 8) & 255, bits & 255];
    rgbOf.set(hex, rgb);
  }
  return rgb;
}

/** Viridis at `t` in [0, 1], between its neighboring stops. */
export function sequential(t: number): Rgb {
  const place = Math.min(1, Math.max(0, t)) * (VIRIDIS.length - 1);
  const at = Math.min(VIRIDIS.length - 2, Math.floor(place));
  const low = toRgb(VIRIDIS[at] as string);
  const high = toRgb(VIRIDIS[at + 1] as string);
  const mix = (i: 0 | 1 | 2) => Math.round(low[i] + (high[i] - low[i]) * (place - at));
  return [mix(0), mix(1), mix(2)];
}

export const SEQUENTIAL_CSS = `linear-gradient(90deg, ${VIRIDIS.join(', ')})`;

export interface ClassColors {
  /** Classes with a color of their own, in class order. */
  readonly named: readonly { readonly index: number; readonly color: string }[];
  /** Classes of the samples, most frequent first. */
  readonly mix: readonly Share[];
  /** How many classes share the gray. */
  readonly others: number;
  /** Whether some samples have no known class; they are gray too. */
  readonly unknown: boolean;
  colorOf(index: number): string;
}

const colorsOf = new WeakMap<Int32Array, ClassColors>();

/**
 * One color a class while the palettes last; beyond them the most frequent get one and the rest a
 * shared gray. Frequencies are those of the samples, which are the same ones at every step.
 */
export function classColors(values: Int32Array, classes: number | null): ClassColors {
  let colors = colorsOf.get(values);
  if (colors === undefined) {
    colors = assignColors(values, classes);
    colorsOf.set(values, colors);
  }
  return colors;
}

function assignColors(values: Int32Array, classes: number | null): ClassColors {
  const mix = classMix(values, Int32Array.from(values.keys()));
  const known = mix.filter(({ index }) => index >= 0);
  const total = classes ?? known.length;
  const palette = total <= OKABE_ITO.length ? OKABE_ITO : MUTED;
  const own = total <= palette.length ? total : palette.length - 1;
  const chosen =
    classes !== null && classes <= palette.length
      ? Array.from({ length: classes }, (_, index) => index)
      : known
          .slice(0, own)
          .map(({ index }) => index)
          .sort((a, b) => a - b);
  const byIndex = new Map(chosen.map((index, i) => [index, palette[i] as string]));
  return {
    named: [...byIndex].map(([index, color]) => ({ index, color })),
    mix,
    others: known.filter(({ index }) => !byIndex.has(index)).length,
    unknown: known.length < mix.length,
    colorOf: (index) => byIndex.get(index) ?? OTHER,
  };
}

interface LegendEntry {
  readonly label: string;
  /** Empty for a line that counts what is not listed. */
  readonly color: string;
  /** The concept that it stands for. */
  readonly concept?: number;
}

export type Legend =
  | { readonly kind: 'none' }
  | { readonly kind: 'missing'; readonly title: string; readonly reason: string }
  | {
      readonly kind: 'classes';
      /** Title of the outlines of cells. */
      readonly title: string;
      /** Title of the points. */
      readonly pointTitle: string;
      readonly entries: readonly LegendEntry[];
    }
  | {
      readonly kind: 'scale';
      readonly title: string;
      readonly low: string;
      readonly high: string;
      /** An additional note about the marks. */
      readonly note?: string;
    };

/** Values of cells as text, since not everybody can read colors. */
interface Reading {
  /** NaN where nothing is known. */
  readonly values: Float32Array;
  say(value: number): string;
  /** Additional text of a cell that is large enough. */
  name?(cell: number): string;
}

/** Coloring of one level in one mode. */
export interface Coloring {
  readonly legend: Legend;
  /** RGBA of every cell, alpha 0 where the mode has no value; null if no cell has color. */
  readonly cells: Uint8Array | null;
  readonly reading?: Reading;
  /** What the color of a sample depends on. */
  readonly by: 'labels' | 'predictions' | 'concepts' | 'cellOf';
  /** Color of samples with this value, or null for the neutral one. */
  point(value: number): Rgb | null;
}

const NEUTRAL: Coloring = {
  legend: { kind: 'none' },
  cells: null,
  by: 'cellOf',
  point: () => null,
};

interface Colored {
  readonly atlas: Atlas;
  readonly mode: ColorMode;
  readonly dark: boolean;
  readonly colors: Coloring;
}

const lastOf = new WeakMap<Level, Colored>();

/** Worked out once as long as mode and theme are the same. */
export function coloring(atlas: Atlas, level: Level, mode: ColorMode, dark = false): Coloring {
  let last = lastOf.get(level);
  if (last?.atlas !== atlas || last.mode !== mode || last.dark !== dark) {
    last = { atlas, mode, dark, colors: color(atlas, level, mode, dark) };
    lastOf.set(level, last);
  }
  return last.colors;
}

function color(atlas: Atlas, level: Level, mode: ColorMode, dark: boolean): Coloring {
  switch (mode) {
    case 'icons':
      return NEUTRAL;
    case 'class':
      return byClass(atlas, level, 'class', 'labels');
    case 'prediction':
      return byClass(atlas, level, 'prediction', 'predictions');
    case 'concept':
      return byConcept(atlas, level, dark);
    case 'purity':
      return byPurity(atlas, level);
    case 'accuracy':
      return byAccuracy(atlas, level);
    case 'confusion':
      return byConfusion(atlas, level);
    case 'entropy':
      return byEntropy(atlas, level);
    case 'cosine':
      return byCosine(level);
    case 'population':
      return byPopulation(level);
  }
}

function byClass(atlas: Atlas, level: Level, noun: string, by: 'labels' | 'predictions'): Coloring {
  const title = `Majority ${noun} of a cell`;
  const values = atlas[by];
  if (values === null) return missing(title, by);
  const colors = classColors(values, atlas.classes?.length ?? null);
  const top = majority(level, values);
  const several = isMultiLabel(values);
  const shareOf = (index: number) => colors.mix.find((one) => one.index === index)?.share ?? 0;
  const entries = colors.named.map(({ index, color }) => ({
    label: className(atlas, index) + (several ? ` ${whole(shareOf(index))}` : ''),
    color,
  }));
  if (colors.unknown) entries.push({ label: 'unknown', color: OTHER });
  if (colors.others > 0) entries.push({ label: `${colors.others} other`, color: OTHER });
  return {
    legend: {
      kind: 'classes',
      title,
      pointTitle: `Each sample's ${several ? 'rarest' : 'own'} ${noun}`,
      entries,
    },
    cells: paint(level, (cell) => toRgb(colors.colorOf(top.index[cell] as number))),
    by,
    point: (index) => toRgb(colors.colorOf(index)),
  };
}

/** Concepts that the legend lists by name; there are usually 30 to 40. */
const LISTED_CONCEPTS = 11;

function byConcept(atlas: Atlas, level: Level, dark: boolean): Coloring {
  const title = 'Majority concept of a cell';
  const { concepts } = atlas;
  const list = conceptsOf(atlas);
  if (concepts === null || list === null) {
    return missing(title, 'concepts', 'Concepts were not tracked in this atlas.');
  }
  const top = majority(level, concepts);
  const sorted = list.toSorted((a, b) => b.size - a.size);
  const others = list.length - LISTED_CONCEPTS;
  const entries: LegendEntry[] = sorted.slice(0, LISTED_CONCEPTS).map(({ id, name }) => ({
    label: name,
    color: conceptColor(id, dark),
    concept: id,
  }));
  if (others > 0) entries.push({ label: `${others} smaller concepts`, color: '' });
  if (concepts.includes(-1)) entries.push({ label: 'in no concept', color: NO_CONCEPT_COLOR });
  return {
    legend: { kind: 'classes', title, pointTitle: "Each sample's own concept", entries },
    cells: paint(level, (cell) => toRgb(conceptColor(top.index[cell] as number, dark))),
    by: 'concepts',
    point: (id) => toRgb(conceptColor(id, dark)),
  };
}

function missing(
  title: string,
  what: string,
  reason = `No ${what} were recorded in this run.`,
): Coloring {
  return { ...NEUTRAL, legend: { kind: 'missing', title, reason } };
}

function byPurity(atlas: Atlas, level: Level): Coloring {
  const title = 'Purity: share of the majority class';
  const values = atlas.labels ?? atlas.predictions;
  if (values === null) return missing(title, 'labels or predictions');
  return byReading(level, title, '100%', majority(level, values).share, 1, whole);
}

function byAccuracy(atlas: Atlas, level: Level): Coloring {
  const title = 'Accuracy: share of correct predictions';
  return byCorrectness(atlas, level, title, (known, wrong) => 1 - wrong.length / known.length);
}

/** Two cells of the same accuracy differ in whether they err in one way or in many. */
function byConfusion(atlas: Atlas, level: Level): Coloring {
  const title = 'Confusion: share of the most frequent wrong prediction';
  const names: string[] = [];
  const colors = byCorrectness(atlas, level, title, (known, wrong, cell) => {
    const [top] = classMix(atlas.predictions as Int32Array, wrong);
    if (top) names[cell] = `as ${className(atlas, top.index)}`;
    return (top?.count ?? 0) / known.length;
  });
  const { reading } = colors;
  return reading
    ? { ...colors, reading: { ...reading, name: (cell) => names[cell] ?? '' } }
    : colors;
}

/** Colors cells by their labeled samples and those of them that are predicted wrongly. */
function byCorrectness(
  { labels, predictions }: Atlas,
  level: Level,
  title: string,
  find: (known: Int32Array, wrong: Int32Array, cell: number) => number,
): Coloring {
  if (labels === null) return missing(title, 'labels');
  if (predictions === null) return missing(title, 'predictions');
  const values = Float32Array.from(level.counts, (_, cell) => {
    const { known, wrong } = judge(labels, predictions, level, cell);
    return known.length === 0 ? Number.NaN : find(known, wrong, cell);
  });
  return byReading(level, title, '100%', values, 1, whole);
}

const whole = (share: number) => `${Math.round(100 * share)}%`;

/** More classes than these in a cell all count as the most mixed. */
const MOST_MIXED = 32;

/** The same scale at every step and on every grid, so that they can be compared. */
function byEntropy(atlas: Atlas, level: Level): Coloring {
  const of = atlas.labels ?? atlas.predictions;
  const title = `Entropy of a cell's ${atlas.labels ? 'labels' : 'predictions'}`;
  if (of === null) return missing(title, 'labels or predictions');
  const classes = Math.max(2, atlas.classes?.length ?? new Set(of).size);
  const most = Math.log2(Math.min(classes, MOST_MIXED));
  const values = Float32Array.from(level.counts, (_, cell) => {
    const mix = classMix(of, membersOf(level, cell));
    const total = mix.reduce((sum, { share }) => sum + share, 0);
    return mix.reduce((sum, { share }) => sum - (share / total) * Math.log2(share / total), 0);
  });
  const high = `${most.toFixed(1)} bits${classes > MOST_MIXED ? ' or more' : ''}`;
  return byReading(level, title, high, values, most, fraction);
}

/** `values` up to `most` as colors, in words, and with a word for cells of few samples. */
function byReading(
  level: Level,
  title: string,
  high: string,
  values: Float32Array,
  most: number,
  say: (value: number) => string,
): Coloring {
  const few = level.loaded.reduce((sum, of) => sum + (of < MIN_SUPPORT ? 1 : 0), 0);
  const note = few > 0 ? { note: `Dotted: under ${MIN_SUPPORT} samples (${count(few)})` } : {};
  const legend: Legend = { kind: 'scale', title, low: '0', high, ...note };
  const colors = byValue(level, legend, (cell) => (values[cell] as number) / most);
  return { ...colors, reading: { values, say } };
}

function byCosine(level: Level): Coloring {
  const legend: Legend = { kind: 'scale', title: 'Cosine of icon and mean', low: '0', high: '1' };
  return byValue(level, legend, (cell) => level.cosine[cell]);
}

function byPopulation(level: Level): Coloring {
  const most = level.counts.reduce((a, b) => Math.max(a, b), 1);
  const legend: Legend = {
    kind: 'scale',
    title: 'Samples in a cell',
    low: '0',
    high: most.toLocaleString('en'),
  };
  return byValue(level, legend, (cell) => (level.counts[cell] as number) / most);
}

function byValue(
  level: Level,
  legend: Legend,
  value: (cell: number) => number | undefined,
): Coloring {
  const color = (cell: number): Rgb | null => {
    const t = value(cell) ?? Number.NaN;
    return Number.isNaN(t) ? null : sequential(t);
  };
  return {
    legend,
    cells: paint(level, color),
    by: 'cellOf',
    point: (cell) => (cell < 0 ? null : color(cell)),
  };
}

function paint(level: Level, color: (cell: number) => Rgb | null): Uint8Array {
  const cells = level.rows.length;
  const rgba = new Uint8Array(4 * cells);
  for (let cell = 0; cell < cells; cell++) {
    const rgb = color(cell);
    if (rgb !== null) rgba.set([...rgb, 255], 4 * cell);
  }
  return rgba;
}

const FAINT_ALPHA = 110;
const NEUTRAL_POINT = { light: [96, 96, 96], dark: [190, 190, 190] } as const;

/**
 * RGBA of every sample as a point. With icons alone, only samples outside drawn cells stay, faintly;
 * alpha 0 hides a point.
 */
export function pointColors(
  points: Points,
  { cellOf }: Pick<Level, 'cellOf'>,
  colors: Coloring,
  show: ShowMode,
  dark: boolean,
): Uint8Array {
  const rgba = new Uint8Array(4 * points.count);
  const values = { ...points, cellOf }[colors.by];
  const neutral = NEUTRAL_POINT[dark ? 'dark' : 'light'];
  for (let index = 0; index < points.count; index++) {
    const outside = (cellOf[index] as number) < 0;
    if (show === 'icons' && !outside) continue;
    const alpha = show === 'icons' ? FAINT_ALPHA : 255;
    const color = values && colors.point(values[index] as number);
    rgba.set([...(color ?? neutral), alpha], 4 * index);
  }
  return rgba;
}
