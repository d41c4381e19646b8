// SPDX-License-Identifier: Apache-2.0
/** Attribution of each cell toward each class, decoded on demand from either wire format. */

import type { Atlas, Level } from './atlas';
import { WireError } from './json_checks';
import { halfToFloat, type Tensors } from './safetensors';

const NAN_BITS = 0x7e00;

export interface Attribution {
  /** How many classes there are. */
  readonly classes: number;
  /** Mean over the cell's samples toward a class, in logits; NaN where it is not known. */
  at(cell: number, index: number): number;
  /** Standard deviation over the cell's samples; null where spreads were not recorded. */
  readonly spread: ((cell: number, index: number) => number) | null;
}

export const NOT_RECORDED = 'Attribution was not recorded: AtlasConfig(attribution=True)';

const attributionOf = new WeakMap<Level, Attribution | string>();

/** The attribution of a level of `atlas`, or why there is none to be had. */
export function findAttribution(atlas: Atlas, level: Level): Attribution | string {
  let found = attributionOf.get(level);
  if (found === undefined) {
    found = read(atlas, level);
    attributionOf.set(level, found);
  }
  return found;
}

function read({ tensors }: Atlas, { size, rows }: Level): Attribution | string {
  const name = `grid${size}.attribution`;
  const cells = rows.length;
  try {
    const spread = readSpread(tensors, `grid${size}.spread`, cells);
    if (tensors.has(name)) {
      const classes = tensors.shape(name)[1] ?? 0;
      const bits = tensors.half(name, cells, classes);
      return {
        classes,
        spread,
        at: (cell, index) => halfToFloat(bits[cell * classes + index] ?? NAN_BITS),
      };
    }
    if (!tensors.has(`${name}_codes`)) return NOT_RECORDED;
    const classes = tensors.shape(`${name}_codes`)[1] ?? 0;
    const codes = tensors.uint8(`${name}_codes`, cells, classes);
    const scales = tensors.float32(`${name}_scale`, cells);
    const at = (cell: number, index: number) =>
      ((codes[cell * classes + index] ?? Number.NaN) - 128) * (scales[cell] ?? Number.NaN);
    return { classes, spread, at };
  } catch (error) {
    if (error instanceof WireError) return error.message;
    throw error;
  }
}

function readSpread(
  tensors: Tensors,
  name: string,
  cells: number,
): ((cell: number, index: number) => number) | null {
  if (!tensors.has(`${name}_codes`)) return null;
  const classes = tensors.shape(`${name}_codes`)[1] ?? 0;
  const codes = tensors.uint8(`${name}_codes`, cells, classes);
  const scales = tensors.float32(`${name}_scale`, cells);
  return (cell, index) =>
    (codes[cell * classes + index] ?? Number.NaN) * (scales[cell] ?? Number.NaN);
}

export interface ClassAttribution {
  readonly index: number;
  readonly value: number;
}

/** The classes with the strongest attribution for and against, strongest first; at most `most` of each. */
export function strongestClasses(
  { classes, at }: Attribution,
  cell: number,
  most: number,
): { readonly helps: readonly ClassAttribution[]; readonly hurts: readonly ClassAttribution[] } {
  const attributions = Array.from({ length: classes }, (_, index) => ({
    index,
    value: at(cell, index),
  }));
  return {
    helps: attributions
      .filter(({ value }) => value > 0)
      .sort((a, b) => b.value - a.value)
      .slice(0, most),
    hurts: attributions
      .filter(({ value }) => value < 0)
      .sort((a, b) => a.value - b.value)
      .slice(0, most),
  };
}

/**
 * "+.31", "+2.35", "−.0012" or "0": two digits of `most`, the largest value of a list, or three from 1 on,
 * and as many decimals for the others; "+0" if a value rounds to zero.
 */
export function formatFractionWithSign(value: number, most = value): string {
  if (value === 0) return '0';
  const order = Math.floor(Math.log10(Math.abs(most)));
  const places = order < 0 ? 1 - order : 2 - order;
  const text = Math.abs(value).toFixed(Math.min(20, Math.max(0, places)));
  const sign = value > 0 ? '+' : '−';
  return sign + (Number(text) === 0 ? '0' : text.replace(/^0\./, '.'));
}
