// SPDX-License-Identifier: Apache-2.0
/**
 * Gains and losses of cells from A to B: filled squares for more, hollow ones for fewer, with an area in
 * proportion to the number.
 */

import { toScreen, worldSide } from '../../domain/camera';
import { type Change, type Difference, formatGain } from '../../domain/comparison/difference';
import { cssColor } from '../../util/css_color';
import { BOLD_FONT, type OverlayFrame } from '../overlay';

const VEIL = 0.8;
const PALE = 0.35;
/** The largest square as a share of its cell. */
const FULLEST = 0.84;
/** Cells of this side in CSS pixels have room for a number. */
const NUMBER_FROM = 34;
/** Half the side of a square that has room for a number. */
const NUMBER_FITS_IN = 12;
/** From the middle of a number to its upper end, and, with the frame of a cell, to the cell's. */
const NUMBER_UP = 6;
const NUMBER_DOWN = 11;

export function drawDifference(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  difference: Difference,
): void {
  const { changes, gained, lost } = difference;
  const { viewport, theme, camera, level } = frame;
  context.globalAlpha = VEIL;
  context.fillStyle = cssColor(theme.ground);
  context.fillRect(0, 0, viewport.width, viewport.height);
  const side = worldSide(camera, viewport) / level.size;
  const most = Math.max(gained, lost);
  const origin = toScreen(camera, viewport, { x: 0, y: 0 });
  context.font = BOLD_FONT;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (const change of changes) {
    const x = origin.x + change.col * side;
    const y = origin.y + change.row * side;
    if (x > viewport.width || y > viewport.height || x + side < 0 || y + side < 0) continue;
    context.globalAlpha = change.significant === false ? PALE : 1;
    frameCell(context, frame, change, x, y, side);
    const text = formatGain(difference, change.gain);
    drawChange(context, frame, change.gain, text, { x: x + side / 2, y: y + side / 2, side, most });
  }
  context.globalAlpha = 1;
  context.textAlign = 'start';
}

/** Cells of A alone are framed with a broken line, cells of B alone with a double one. */
function frameCell(
  context: CanvasRenderingContext2D,
  { theme }: OverlayFrame,
  { drawn }: Change,
  x: number,
  y: number,
  side: number,
): void {
  if (drawn === 'both') return;
  context.strokeStyle = theme.label;
  context.lineWidth = 1.3;
  context.setLineDash(drawn === 'a' ? [3, 3] : []);
  context.strokeRect(x + 2, y + 2, side - 4, side - 4);
  if (drawn === 'b') context.strokeRect(x + 5, y + 5, side - 10, side - 10);
  context.setLineDash([]);
}

function drawChange(
  context: CanvasRenderingContext2D,
  { theme }: OverlayFrame,
  gain: number,
  text: string,
  { x, y, side, most }: { x: number; y: number; side: number; most: number },
): void {
  if (gain === 0) return;
  const half = Math.max(1.5, (FULLEST * side * Math.sqrt(Math.abs(gain) / most)) / 2);
  if (gain > 0) {
    context.fillStyle = theme.gain;
    context.fillRect(x - half, y - half, 2 * half, 2 * half);
  } else {
    context.strokeStyle = theme.loss;
    const width = Math.min(3, half);
    context.lineWidth = width;
    context.strokeRect(
      x - half + width / 2,
      y - half + width / 2,
      2 * half - width,
      2 * half - width,
    );
  }
  if (side < NUMBER_FROM) return;
  // Under a square that it would hide, where there is room.
  const below = half < NUMBER_FITS_IN && half < side / 2 - NUMBER_DOWN - NUMBER_UP;
  const line = below ? y + side / 2 - NUMBER_DOWN : y;
  context.lineWidth = 3;
  context.lineJoin = 'round';
  context.strokeStyle = cssColor(theme.ground);
  context.strokeText(text, x, line);
  context.fillStyle = theme.label;
  context.fillText(text, x, line);
}
