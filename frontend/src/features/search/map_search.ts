// SPDX-License-Identifier: Apache-2.0
/** Search results on the map: classes, cells, images, samples, and concepts. */

import { type Camera, clampCamera } from '../../domain/camera';
import { majority } from '../../domain/cell_stats';
import { classAtlasOf } from '../../domain/class_atlas';
import { listClasses, match } from '../../domain/class_choices';
import { MIN_SUPPORT } from '../../domain/class_filter';
import { conceptsOf } from '../../domain/concepts';
import type { CellPlace } from '../../domain/display_types';
import type { Selection } from '../../domain/selection';
import { percent, plural } from '../../util/format';
import { type Atlas, cellAt, className, classNames, type Level } from '../../wire/atlas';

export type Target =
  | { readonly kind: 'class'; readonly index: number }
  | { readonly kind: 'cell'; readonly place: CellPlace }
  | { readonly kind: 'image' | 'sample' | 'concept'; readonly id: number }
  | { readonly kind: 'selection'; readonly selection: Selection };

export interface Result {
  readonly target: Target;
  /** Names come from the log: text of any length. */
  readonly name: string;
  readonly note: string;
}

export interface Results {
  readonly list: readonly Result[];
  /** How many more there are; a longer search finds them. */
  readonly more: number;
}

/** Maximum number of results of each kind. */
const MOST_NAMES = 40;
const MOST_PLACES = 5;

const CELL = /^(?:r|row)?\s*(\d{1,4})\s*(?:[,;/x×]|\s)\s*(?:c|col|column)?\s*(\d{1,4})$/;
const NUMBER = /^(image|sample)?\s*#?(\d{1,9})$/;

/** Results of `search` on a level of an atlas; exact matches come first. */
export function findResults(
  atlas: Atlas,
  level: Level,
  search: string,
  saved: readonly Selection[] = [],
): Results {
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return { list: [], more: 0 };
  const classes = match(listClasses(atlas), wanted);
  const concepts = match(conceptsOf(atlas) ?? [], wanted);
  const cut = Math.max(0, classes.length - MOST_NAMES) + Math.max(0, concepts.length - MOST_NAMES);
  const [best] = classes;
  return {
    list: [
      ...findCell(atlas, level, wanted),
      ...findByNumber(atlas, wanted),
      ...classes.slice(0, MOST_NAMES).map(
        ({ index, name, note }): Result => ({
          target: { kind: 'class', index },
          name: name || '(no name)',
          note,
        }),
      ),
      ...(best ? cellsOf(atlas, level, best.index) : []),
      ...concepts.slice(0, MOST_NAMES).map(
        ({ id, name, size }): Result => ({
          target: { kind: 'concept', id },
          name,
          note: plural(size, 'sample'),
        }),
      ),
      ...match(saved, wanted).map(
        (selection): Result => ({
          target: { kind: 'selection', selection },
          name: selection.name,
          note: `${plural(selection.rows.length, 'sample')}, ${selection.layer}`,
        }),
      ),
    ],
    more: cut,
  };
}

function findCell(atlas: Atlas, level: Level, wanted: string): Result[] {
  const found = CELL.exec(wanted);
  if (found === null) return [];
  const [row, col] = [Number(found[1]) - 1, Number(found[2]) - 1];
  if (row < 0 || col < 0 || row >= level.size || col >= level.size) return [];
  return [cellResult(atlas, level, row, col)];
}

function cellResult(atlas: Atlas, level: Level, row: number, col: number): Result {
  const { size } = level;
  const cell = cellAt(level, row, col);
  return {
    target: { kind: 'cell', place: { size, row, col } },
    name: `row ${row + 1}, column ${col + 1}`,
    note: cell < 0 ? 'too few samples to draw' : topOf(atlas, level, cell),
  };
}

/** "cat 94%, 33 samples". */
function topOf(atlas: Atlas, level: Level, cell: number): string {
  const values = atlas.labels ?? atlas.predictions;
  const samples = plural(level.counts[cell] as number, 'sample');
  if (values === null) return samples;
  const { index, share } = majority(level, values);
  const name = className(atlas, index[cell] as number);
  return `${name} ${percent(share[cell] as number)}, ${samples}`;
}

/** Cells whose top class is `index`, the purest first. */
function cellsOf(atlas: Atlas, level: Level, index: number): Result[] {
  const values = atlas.labels ?? atlas.predictions;
  if (values === null) return [];
  const top = majority(level, values);
  // Those of few samples come last: their share may be one odd image.
  const few = (cell: number) => Number((level.loaded[cell] as number) < MIN_SUPPORT);
  return [...top.index.keys()]
    .filter((cell) => top.index[cell] === index)
    .sort((a, b) => few(a) - few(b) || (top.share[b] as number) - (top.share[a] as number) || a - b)
    .slice(0, MOST_PLACES)
    .map((cell) =>
      cellResult(atlas, level, level.rows[cell] as number, level.cols[cell] as number),
    );
}

/** Images, and the one sample, of a number; images whose numbers begin with it, too. */
function findByNumber(atlas: Atlas, wanted: string): Result[] {
  const found = NUMBER.exec(wanted);
  if (found === null) return [];
  const [, kind, digits = ''] = found;
  const id = Number(digits);
  const images = new Map<number, number>();
  for (const image of kind === 'sample' ? [] : atlas.imageIds) {
    if (String(image).startsWith(digits)) images.set(image, (images.get(image) ?? 0) + 1);
  }
  const list = [...images]
    .sort(([a], [b]) => a - b)
    .slice(0, MOST_PLACES)
    .map(([image, count]) => {
      const name = labelOf(atlas, atlas.imageIds.indexOf(image));
      const note = [name, plural(count, 'sample')].filter(Boolean).join(', ');
      return { target: { kind: 'image', id: image }, name: `image ${image}`, note } as const;
    });
  if (kind !== 'sample' || id >= atlas.count) return list;
  const only = classAtlasOf(atlas) ? 'this step only' : '';
  const note = [labelOf(atlas, id), `image ${atlas.imageIds[id]}`, only].filter(Boolean).join(', ');
  return [{ target: { kind: 'sample', id }, name: `sample ${id}`, note }];
}

function labelOf(atlas: Atlas, row: number): string {
  return atlas.labels === null ? '' : classNames(atlas, atlas.labels, row);
}

/** Share of the samples that may be outside the view on either side. */
const TRIMMED = 0.05;
/** Share of the view that they fill. */
const FILLED = 0.7;
const NEAREST = 4;

/** The view that holds nearly all of some samples, never nearer than is good to read. */
export function frameOf({ xy }: Atlas, rows: Int32Array): Camera {
  const side = (axis: 0 | 1) => {
    const sorted = Float32Array.from(rows, (row) => xy[2 * row + axis] as number).sort();
    const cut = Math.floor(TRIMMED * sorted.length);
    return [sorted[cut] ?? 0, sorted[sorted.length - 1 - cut] ?? 1] as const;
  };
  const [[left, right], [top, bottom]] = [side(0), side(1)];
  const span = Math.max(right - left, bottom - top, FILLED / NEAREST);
  return clampCamera({
    x: (left + right) / 2,
    y: (top + bottom) / 2,
    z: Math.max(1, FILLED / span),
  });
}
