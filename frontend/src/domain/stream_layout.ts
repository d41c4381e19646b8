// SPDX-License-Identifier: Apache-2.0
/** Layout of the stream graph: stacks the concepts, or groups of concepts, of all steps as ribbons. */

import type { History, RunEvent } from '../wire/series_history';

/** Of more columns than this, some are left out; of more ribbons, the smallest join the rest. */
const MOST_COLUMNS = 160;
const MOST_RIBBONS = 400;

/** Height of all samples, and width from one step to the next, in the units of the paths. */
export const HEIGHT = 1000;
const WIDTH = 100;
/** The largest gap between two groups, and all gaps together. */
const MOST_GAP = 10;
const MOST_GAPS = 100;

/** Id of the ribbon of the samples in no other ribbon. */
export const REST = -1;

/** A step with concepts. */
export interface Column {
  readonly step: number;
  /** Index of the step on the slider. */
  readonly at: number;
  readonly samples: number;
}

export interface Ribbon {
  /** Id of the concept or group, or `REST`. */
  readonly id: number;
  readonly name: string;
  /** Id of the group of a concept. */
  readonly group: number;
  /** The concepts that it stands for. */
  readonly concepts: ReadonlySet<number>;
  /** Samples in each column, 0 where it is missing. */
  readonly sizes: readonly number[];
  /** Distance of the upper and lower edge from the top in each column. */
  readonly tops: readonly number[];
  readonly bottoms: readonly number[];
  /** First and last column that have it. */
  readonly first: number;
  readonly last: number;
  /** Outline as an SVG path. */
  readonly path: string;
}

/** An event and where it is in the graph. */
export interface EventMark {
  readonly event: RunEvent;
  /** Index of its step on the slider. */
  readonly at: number;
  /** Distance from the top. */
  readonly y: number;
}

export interface Stream {
  readonly columns: readonly Column[];
  /** From top to bottom. */
  readonly ribbons: readonly Ribbon[];
  readonly marks: readonly EventMark[];
  readonly width: number;
}

/** A ribbon without its outline. */
interface Band {
  id: number;
  name: string;
  group: number;
  concepts: Set<number>;
  sizes: number[];
  tops: number[];
  bottoms: number[];
  first: number;
  last: number;
}

/** The other concept of a split or merge: of which one starts or into which one ends, by id and column. */
type Links = ReadonlyMap<string, number>;

/** The graph of a run over the `steps` of the slider; null if fewer than two have concepts. */
export function layOutStream(
  history: History,
  steps: readonly number[],
  isGrouped: boolean,
): Stream | null {
  const columns = findColumns(history, steps);
  if (columns.length < 2) return null;
  const events = (isGrouped ? null : history.events) ?? [];
  const links = findLinks(events, columns);
  const bands = sortRibbons(collectSizes(history, columns, isGrouped), links);
  stack(bands, columns, isGrouped);
  const end = (band: Band, i: number) => endOf(band, i, bands, links);
  return {
    columns,
    ribbons: bands.map((band) => ({ ...band, path: pathOf(band, columns, end) })),
    marks: events.flatMap((event) => {
      const i = columnOf(columns, event.step);
      const id = subjectsOf(event)[0] ?? event.after[0] ?? event.before[0];
      const band = bands.find((one) => one.id === id);
      const at = columns[i]?.at;
      if (band === undefined || at === undefined) return [];
      return [{ event, at, y: band.sizes[i] ? middleOf(band, i) : end(band, i) }];
    }),
    width: WIDTH * (steps.length - 1),
  };
}

function findColumns(history: History, steps: readonly number[]): Column[] {
  const all = steps.flatMap((step, at) => {
    const { concepts, samples } = history.steps.get(step) ?? {};
    const sum = (concepts?.sizes ?? []).reduce((a, b) => a + b, 0);
    return sum > 0 ? [{ step, at, samples: Math.max(sum, samples ?? 0) }] : [];
  });
  const stride = Math.ceil(all.length / MOST_COLUMNS);
  return all.filter((_, i) => i % stride === 0 || i === all.length - 1);
}

/** The first column from `step` on, or -1. */
function columnOf(columns: readonly Column[], step: number): number {
  return columns.findIndex((one) => one.step >= step);
}

function collectSizes(history: History, columns: readonly Column[], isGrouped: boolean): Band[] {
  const known = new Map(history.concepts?.map((one) => [one.id, one]));
  const groupNames = new Map(history.groups?.map(({ id, name }) => [id, name]));
  const bands = new Map<number, Band>();
  columns.forEach(({ step }, i) => {
    const { ids = [], sizes = [] } = history.steps.get(step)?.concepts ?? {};
    ids.forEach((concept, k) => {
      const group = known.get(concept)?.group ?? Number.POSITIVE_INFINITY;
      const id = isGrouped ? group : concept;
      if (!Number.isFinite(id)) return;
      const name = isGrouped ? groupNames.get(id) : known.get(id)?.name;
      const band = bands.get(id) ?? {
        ...{ id, name: name ?? `${isGrouped ? 'group' : 'concept'} ${id}`, group },
        ...{
          concepts: new Set(),
          sizes: columns.map(() => 0),
          tops: [],
          bottoms: [],
          first: i,
          last: i,
        },
      };
      bands.set(id, band);
      band.concepts.add(concept);
      band.sizes[i] = (band.sizes[i] as number) + (sizes[k] as number);
      band.last = i;
    });
  });
  const total = ({ sizes }: Band) => sizes.reduce((a, b) => a + b);
  const kept = [...bands.values()].sort((a, b) => total(b) - total(a)).slice(0, MOST_RIBBONS);
  const sizes = columns.map(({ samples }, i) =>
    kept.reduce((left, band) => left - (band.sizes[i] as number), samples),
  );
  const last = sizes.findLastIndex((size) => size > 0);
  return last < 0 ? kept : [...kept, restOf(sizes, last)];
}

function restOf(sizes: number[], last: number): Band {
  const first = sizes.findIndex((size) => size > 0);
  return {
    ...{ id: REST, name: 'in no concept', group: Number.POSITIVE_INFINITY, concepts: new Set() },
    ...{ sizes, tops: [], bottoms: [], first, last },
  };
}

/** The concepts that an event starts or ends: those on one side only. */
function subjectsOf({ kind, before, after }: RunEvent): readonly number[] {
  const [own, others] = kind === 'splits' ? [after, before] : [before, after];
  return own.filter((id) => !others.includes(id));
}

function findLinks(events: readonly RunEvent[], columns: readonly Column[]): Links {
  const links = new Map<string, number>();
  for (const event of events) {
    const { kind, before, after } = event;
    const other = kind === 'splits' ? before[0] : kind === 'merges' ? after[0] : undefined;
    if (other === undefined) continue;
    const i = columnOf(columns, event.step);
    for (const id of subjectsOf(event)) links.set(`${id}/${i}`, other);
  }
  return links;
}

/** Sorts by group, then birth, then size; what splits from a concept of the group follows it. */
function sortRibbons(bands: Band[], links: Links): Band[] {
  bands.sort(
    (a, b) =>
      Number(a.id === REST) - Number(b.id === REST) ||
      (a.group === b.group ? 0 : a.group - b.group) ||
      a.first - b.first ||
      (b.sizes[b.first] as number) - (a.sizes[a.first] as number) ||
      a.id - b.id,
  );
  const sorted: Band[] = [];
  for (const band of bands) {
    const parent = links.get(`${band.id}/${band.first}`);
    const i = sorted.findIndex(({ id, group }) => id === parent && group === band.group);
    sorted.splice(i < 0 ? sorted.length : i + 1, 0, band);
  }
  return sorted;
}

/** Places the ribbons one below the other, with gaps between groups that are the same at every step. */
function stack(bands: readonly Band[], columns: readonly Column[], isGrouped: boolean): void {
  const isFirst = bands.map(({ group }, k) => k > 0 && group !== bands[k - 1]?.group);
  const groups = isFirst.filter(Boolean).length;
  const gap = isGrouped ? 0 : Math.min(MOST_GAP, MOST_GAPS / groups);
  columns.forEach(({ samples }, i) => {
    let y = 0;
    bands.forEach(({ sizes, tops, bottoms }, k) => {
      if (isFirst[k]) y += gap;
      tops[i] = y;
      y += ((HEIGHT - groups * gap) * (sizes[i] as number)) / samples;
      bottoms[i] = y;
    });
  });
}

/** Where a ribbon that is in column `i` or the one before, but not in both, narrows to a point. */
function endOf(band: Band, i: number, bands: readonly Band[], links: Links): number {
  const other = bands.findIndex(({ id }) => id === links.get(`${band.id}/${i}`));
  const { tops, bottoms } = bands[other] ?? band;
  const edges = other >= 0 && other < bands.indexOf(band) ? bottoms : tops;
  return edges[band.sizes[i] ? i - 1 : i] as number;
}

/** The outline of a ribbon, one shape for each stretch of columns that have it. */
function pathOf(
  band: Band,
  columns: readonly Column[],
  end: (band: Band, i: number) => number,
): string {
  const { sizes, tops, bottoms } = band;
  let path = '';
  let upper: Point[] = [];
  let lower: Point[] = [];
  const point = (i: number, top: number, bottom = top) => {
    const x = WIDTH * (columns[i] as Column).at;
    upper.push([x, top]);
    lower.unshift([x, bottom]);
  };
  sizes.forEach((size, i) => {
    if (size > 0) {
      if (i > 0 && !sizes[i - 1]) point(i - 1, end(band, i));
      point(i, tops[i] as number, bottoms[i]);
    } else if (sizes[i - 1]) point(i, end(band, i));
    if (upper.length > 0 && (size === 0 || i === sizes.length - 1)) {
      path += `M${curve(upper)}L${curve(lower)}Z`;
      upper = [];
      lower = [];
    }
  });
  return path;
}

type Point = readonly [number, number];

/** A curve through points that is level at each: curves in the same columns never cross. */
function curve(points: readonly Point[]): string {
  return points
    .map(([x, y], i) => {
      const place = `${x} ${round(y)}`;
      const [left, before] = points[i - 1] ?? [];
      if (left === undefined || before === undefined) return place;
      const middle = (left + x) / 2;
      return `C${middle} ${round(before)} ${middle} ${round(y)} ${place}`;
    })
    .join('');
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

/** Distance of the middle of a ribbon from the top. */
export function middleOf({ tops, bottoms }: Pick<Ribbon, 'tops' | 'bottoms'>, i: number): number {
  return ((tops[i] ?? 0) + (bottoms[i] ?? 0)) / 2;
}

/** Index of the column nearest to a place on the slider; only of those that have `ribbon`, if given. */
export function nearestColumn(columns: readonly Column[], at: number, ribbon?: Ribbon): number {
  const distance = (i: number) =>
    ribbon && !ribbon.sizes[i]
      ? Number.POSITIVE_INFINITY
      : Math.abs((columns[i]?.at ?? Number.NaN) - at);
  return columns.reduce((best, _, i) => (distance(i) < distance(best) ? i : best), 0);
}
