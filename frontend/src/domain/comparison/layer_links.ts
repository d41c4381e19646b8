// SPDX-License-Identifier: Apache-2.0
/** Links between the cells of two layers, by the same rules as `link_layers` in Python. */

import { PairCache } from '../../util/pair_cache';
import type { Activations } from '../../wire/activations';
import type { Atlas, Level } from '../../wire/atlas';
import { classMix, membersOf } from '../cell_stats';
import { sameSamples } from './sample_matching';

/** Shared samples below which two cells are not linked. */
const FEWEST = 3;
/** A link holds more samples than chance, by this many standard deviations. */
const DEVIATIONS = 3;
/** Share of a cell that a part of a merge has to bring. */
const PART = 0.2;
/** Cells of the lower layer whose means are closer in angle than this cosine are one thing there. */
const ALIKE = 0.5;
const MOST_MERGES = 50;

/** One level of a layer. */
export interface LayerLevel {
  readonly atlas: Atlas;
  readonly level: Level;
}

interface CellLink {
  readonly lower: number;
  readonly upper: number;
  readonly shared: number;
  /** Share of the lower cell that goes to the upper one. */
  readonly feeds: number;
  /** Share of the upper cell that comes from the lower one. */
  readonly fed: number;
}

/** Links of two layers, strongest first, over the samples in a cell of both. */
export interface Links {
  readonly samples: number;
  readonly links: readonly CellLink[];
  /** Rows of the lower layer that count. */
  readonly rows: readonly number[];
  /** Samples of every upper cell that count. */
  readonly ofUpper: Int32Array;
}

const known = new PairCache<Level, Level, Links>();

export function linksBetween(lower: LayerLevel, upper: LayerLevel): Links {
  return known.get(lower.level, upper.level, () => findLinks(lower, upper));
}

function findLinks(lower: LayerLevel, upper: LayerLevel): Links {
  const there = sameSamples(lower.atlas, upper.atlas);
  const width = upper.level.rows.length;
  const ofLower = new Int32Array(lower.level.rows.length);
  const ofUpper = new Int32Array(width);
  const table = new Map<number, number>();
  const rows: number[] = [];
  there.forEach((other, row) => {
    const a = lower.level.cellOf[row] as number;
    const b = other < 0 ? -1 : (upper.level.cellOf[other] as number);
    if (a < 0 || b < 0) return;
    rows.push(row);
    ofLower[a] = (ofLower[a] as number) + 1;
    ofUpper[b] = (ofUpper[b] as number) + 1;
    table.set(a * width + b, (table.get(a * width + b) ?? 0) + 1);
  });
  const links = [...table]
    .sort(([one], [two]) => one - two)
    .map(([key, shared]): CellLink => {
      const [a, b] = [Math.floor(key / width), key % width];
      const [inA, inB] = [ofLower[a] as number, ofUpper[b] as number];
      return { lower: a, upper: b, shared, feeds: shared / inA, fed: shared / inB };
    })
    .filter((link) => holds(link, rows.length))
    .sort((one, two) => two.shared - one.shared);
  return { samples: rows.length, links, rows, ofUpper };
}

/** Whether a link holds more than a few samples, and more than expected by chance. */
function holds({ shared, feeds, fed }: CellLink, total: number): boolean {
  const share = shared / fed / total;
  const chance = (shared / feeds) * share;
  const spread = Math.sqrt(Math.max(chance * (1 - share), 1e-9));
  return shared >= FEWEST && (shared - chance) / spread >= DEVIATIONS;
}

/** Cells that the lower layer separates and the upper layer merges. */
export interface DepthMerge {
  readonly cell: number;
  /** Cells of the lower layer with the share of the upper cell that each brings, the largest first. */
  readonly parts: readonly { readonly cell: number; readonly share: number }[];
  /** The commonest label of the cell, or null without labels. */
  readonly label: number | null;
  readonly purity: number;
  /** Greatest share of that label in any of the parts. */
  readonly partPurity: number;
  readonly score: number;
}

/** Merges whose cell has a class of its own first; none of those where no label is purer than in a part. */
export function findMerges(
  lower: LayerLevel,
  upper: LayerLevel,
  activations: Activations,
): DepthMerge[] {
  const found = linksBetween(lower, upper);
  const directions = new Directions(lower.level, found.rows, activations);
  const brought = new Map<number, CellLink[]>();
  for (const link of found.links) {
    if (link.fed < PART) continue;
    brought.set(link.upper, [...(brought.get(link.upper) ?? []), link]);
  }
  return [...brought]
    .flatMap(([cell, links]) => mergeAt(cell, links, lower, upper, directions) ?? [])
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.cell - b.cell)
    .slice(0, MOST_MERGES);
}

function mergeAt(
  cell: number,
  links: readonly CellLink[],
  lower: LayerLevel,
  upper: LayerLevel,
  directions: Directions,
): DepthMerge | null {
  const kept: CellLink[] = [];
  let cosine = -1;
  for (const link of links) {
    const nearest = Math.max(-1, ...kept.map((one) => directions.cosine(link.lower, one.lower)));
    if (nearest >= ALIKE) continue;
    kept.push(link);
    cosine = Math.max(cosine, nearest);
  }
  if (kept.length < 2) return null;
  const { label, purity, partPurity } = mixOf(cell, kept, lower, upper);
  const gain = label === null ? 1 : Math.max(purity - partPurity, 0);
  const rest = kept.slice(1).reduce((sum, { shared }) => sum + shared, 0);
  return {
    cell,
    parts: kept.map(({ lower: part, fed }) => ({ cell: part, share: fed })),
    label,
    purity,
    partPurity,
    score: rest * (1 - cosine) * gain,
  };
}

function mixOf(
  cell: number,
  kept: readonly CellLink[],
  lower: LayerLevel,
  upper: LayerLevel,
): Pick<DepthMerge, 'label' | 'purity' | 'partPurity'> {
  const there = sameSamples(lower.atlas, upper.atlas);
  const { labels } = upper.atlas;
  const mix = (rows: Int32Array) =>
    labels === null
      ? []
      : classMix(
          labels,
          rows.filter((row) => (labels[row] as number) >= 0),
        );
  const inBoth = (rows: Int32Array) =>
    rows.filter((row) => row >= 0 && (upper.level.cellOf[row] as number) >= 0);
  const back = sameSamples(upper.atlas, lower.atlas);
  const own = membersOf(upper.level, cell).filter((row) => {
    const other = back[row] as number;
    return other >= 0 && (lower.level.cellOf[other] as number) >= 0;
  });
  const [top] = mix(own);
  if (top === undefined) return { label: null, purity: 0, partPurity: 0 };
  const shares = kept.map((part) => {
    const rows = membersOf(lower.level, part.lower).map((row) => there[row] as number);
    return mix(inBoth(rows)).find(({ index }) => index === top.index)?.share ?? 0;
  });
  return { label: top.index, purity: top.share, partPurity: Math.max(0, ...shares) };
}

/** Mean activations of cells relative to that of all rows that count, and the angles between them. */
class Directions {
  readonly #finite: Set<number>;
  readonly #mean: Float64Array;
  readonly #known = new Map<number, Float64Array>();

  constructor(
    private readonly level: Level,
    rows: readonly number[],
    private readonly activations: Activations,
  ) {
    const { width, values } = activations;
    const finite = rows.filter((row) =>
      values.subarray(row * width, (row + 1) * width).every((value) => Number.isFinite(value)),
    );
    this.#finite = new Set(finite);
    this.#mean = this.#meanOf(finite);
  }

  /** 0 where one of them has no direction. */
  cosine(a: number, b: number): number {
    const [one, two] = [this.#of(a), this.#of(b)];
    return one.reduce((sum, value, i) => sum + value * (two[i] as number), 0);
  }

  #of(cell: number): Float64Array {
    let unit = this.#known.get(cell);
    if (unit === undefined) {
      const rows = [...membersOf(this.level, cell)].filter((row) => this.#finite.has(row));
      const away = this.#meanOf(rows).map((value, i) => value - (this.#mean[i] as number));
      const length =
        rows.length === 0 ? 0 : Math.sqrt(away.reduce((sum, one) => sum + one * one, 0));
      unit = away.map((value) => (length > 0 ? value / length : 0));
      this.#known.set(cell, unit);
    }
    return unit;
  }

  #meanOf(rows: readonly number[]): Float64Array {
    const { width, values } = this.activations;
    const mean = new Float64Array(width);
    for (const row of rows) {
      for (let i = 0; i < width; i++) {
        mean[i] = (mean[i] as number) + (values[row * width + i] as number) / rows.length;
      }
    }
    return mean;
  }
}
