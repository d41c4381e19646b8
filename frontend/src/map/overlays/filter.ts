// SPDX-License-Identifier: Apache-2.0
/**
 * The class filter over the icons: cells that pass are bright by strength and have an outline. Hatching marks
 * negative attribution, a dotted outline few samples. No hue is needed.
 */

import { type FilterResult, heatOf, type Kind, MIN_SUPPORT } from '../../domain/class_filter';
import { iconScales } from '../../render/scene';
import { cssColor } from '../../util/css_color';
import { percent } from '../../util/format';
import { formatFractionWithSign } from '../../wire/attribution';
import { badge, eachCell, type OverlayFrame } from '../overlay';

const VEIL = 0.82;
/** Opacity of the outline and the hatching of the weakest cell. */
const FAINTEST = 0.4;
const DOTS = [1.5, 2.5];
/** Hatching for cells of this side in CSS pixels: lines apart, from small cells to large ones. */
const HATCH_APART = [5, 12] as const;
/** Cells of this side in CSS pixels have room for a class's number, and for a value. */
const NUMBER_FROM = 24;
const VALUE_FROM = 44;

export interface Heat {
  readonly result: FilterResult;
  readonly kind: Kind;
  /** Maximum of the scale. */
  readonly most: number;
  /** Whether cells must say which of several classes they are about. */
  readonly several: boolean;
}

interface Square {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

export function drawFilter(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  heat: Heat,
): void {
  const { result, kind, most } = heat;
  const scales = iconScales(frame.level);
  const ground = cssColor(frame.theme.ground);
  eachCell(frame, (cell, x, y, side) => {
    const strength = heatOf(result, kind, cell, most);
    context.globalAlpha = VEIL * (1 - strength);
    context.fillStyle = ground;
    context.fillRect(x, y, side, side);
    context.globalAlpha = 1;
    if (result.passes[cell] !== 1) return;
    const inner = (scales[cell] as number) * side;
    const square = { x: x + (side - inner) / 2, y: y + (side - inner) / 2, side: inner };
    drawPassing(context, frame, heat, cell, square, strength);
    const text = side >= NUMBER_FROM ? textOf(heat, cell, side >= VALUE_FROM) : '';
    if (text !== '') badge(context, frame, text, square.x + square.side, square.y);
  });
}

function drawPassing(
  context: CanvasRenderingContext2D,
  { theme }: OverlayFrame,
  { result, kind }: Heat,
  cell: number,
  square: Square,
  strength: number,
): void {
  const against = (result.values[cell] as number) < 0;
  context.globalAlpha = FAINTEST + (1 - FAINTEST) * strength;
  const color = kind === 'top' ? theme.accent : against ? theme.loss : theme.gain;
  if (against) hatch(context, square, cssColor(theme.ground), color);
  const few = (result.support[cell] as number) < MIN_SUPPORT;
  outline(context, square, color, 1 + 2.5 * strength, few);
  context.globalAlpha = 1;
}

/** "2", "34%", "2 · +.31": the number of the class where there are several, and the value. */
function textOf({ result, kind, most, several }: Heat, cell: number, valued: boolean): string {
  const value = result.values[cell] as number;
  const number = several ? `${(result.which[cell] as number) + 1}` : '';
  const says = kind === 'top' ? percent(value) : formatFractionWithSign(value, most);
  return [number, valued ? says : ''].filter(Boolean).join(' · ');
}

/** Lines from the lower left to the upper right, each on a line of ground so that icons part them. */
function hatch(
  context: CanvasRenderingContext2D,
  { x, y, side }: Square,
  ground: string,
  color: string,
): void {
  const apart = Math.min(HATCH_APART[1], Math.max(HATCH_APART[0], side / 5));
  context.beginPath();
  for (let at = apart; at < 2 * side; at += apart) {
    const over = Math.max(0, at - side);
    context.moveTo(x + over, y + at - over);
    context.lineTo(x + at - over, y + over);
  }
  for (const [width, stroke] of [
    [3, ground],
    [1.3, color],
  ] as const) {
    context.lineWidth = width;
    context.strokeStyle = stroke;
    context.stroke();
  }
}

function outline(
  context: CanvasRenderingContext2D,
  { x, y, side }: Square,
  color: string,
  width: number,
  dotted: boolean,
): void {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.setLineDash(dotted ? DOTS : []);
  context.beginPath();
  context.roundRect(x, y, side, side, Math.min(5, 0.1 * side));
  context.stroke();
  context.setLineDash([]);
}
