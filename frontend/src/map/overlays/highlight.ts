// SPDX-License-Identifier: Apache-2.0
/** Highlights samples, such as the members of a concept, and dims all other cells. */

import { countIn } from '../../domain/sample_rows';
import { iconScales } from '../../render/scene';
import { cssColor } from '../../util/css_color';
import { badge, eachCell, eachPoint, type OverlayFrame } from '../overlay';

const VEIL = 0.75;
/** Cells with a smaller share of members are not framed: their dots say enough. */
const FRAMED_SHARE = 0.2;
const DOT = 2.6;
/** Cells narrower than this in CSS pixels are framed without a number. */
const NUMBER_FROM = 40;

export function drawHighlight(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  rows: Int32Array,
): void {
  const { level } = frame;
  const counts = countIn(level, rows);
  const shares = Float32Array.from(counts, (count, cell) => count / (level.loaded[cell] || 1));
  drawShares(context, frame, rows, shares, (cell) => String(counts[cell]));
}

/** Dims cells by `strength`, from 0 to 1; strong ones have an outline and a label. */
export function drawShares(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  rows: Int32Array,
  strength: Float32Array,
  word: (cell: number) => string,
): void {
  veil(context, frame, strength);
  dots(context, frame, rows);
  frames(context, frame, strength, word);
}

function veil(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  strength: Float32Array,
): void {
  context.fillStyle = cssColor(frame.theme.ground);
  eachCell(frame, (cell, x, y, side) => {
    context.globalAlpha = VEIL * (1 - (strength[cell] as number));
    context.fillRect(x, y, side, side);
  });
  context.globalAlpha = 1;
}

function frames(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  strength: Float32Array,
  word: (cell: number) => string,
): void {
  const { theme, level } = frame;
  const scales = iconScales(level);
  eachCell(frame, (cell, x, y, side) => {
    const share = strength[cell] as number;
    if (share < FRAMED_SHARE) return;
    const inset = ((1 - (scales[cell] as number)) * side) / 2;
    const width = 1 + 2.5 * share;
    context.strokeStyle = theme.accent;
    context.lineWidth = width;
    context.beginPath();
    context.roundRect(
      x + inset,
      y + inset,
      side - 2 * inset,
      side - 2 * inset,
      Math.min(5, 0.1 * side),
    );
    context.stroke();
    if (side < NUMBER_FROM) return;
    badge(context, frame, word(cell), x + side - inset, y + inset);
  });
}

function dots(context: CanvasRenderingContext2D, frame: OverlayFrame, rows: Int32Array): void {
  const { theme } = frame;
  context.fillStyle = theme.accent;
  context.strokeStyle = cssColor(theme.ground);
  context.lineWidth = 1;
  eachPoint(frame, rows, (x, y) => {
    context.beginPath();
    context.arc(x, y, DOT, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  });
}
