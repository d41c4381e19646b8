// SPDX-License-Identifier: Apache-2.0
/**
 * The selection on the map: a dashed line around its cells, a diamond on each other sample, and the outline
 * that is being drawn. Everything has two tones, so that it is visible on any icon.
 */

import { type Point, toScreen, worldSide } from '../../domain/camera';
import { countIn } from '../../domain/sample_rows';
import type { Pin } from '../../state/pins';
import { cssColor } from '../../util/css_color';
import { cellAt } from '../../wire/atlas';
import { badge, eachCell, eachPoint, type OverlayFrame } from '../overlay';

/** Cells with at least this share of their samples in the selection are inside its line. */
const INSIDE_SHARE = 0.5;
const DASHES = [7, 5];
const DIAMOND = 3.2;

/** The four sides of a cell: to which neighbor, and from which corner to which. */
const SIDES = [
  [-1, 0, 0, 0, 1, 0],
  [0, 1, 1, 0, 1, 1],
  [1, 0, 1, 1, 0, 1],
  [0, -1, 0, 1, 0, 0],
] as const;

export function drawSelection(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  rows: Int32Array,
): void {
  const { level } = frame;
  const counts = countIn(level, rows);
  const inside = (cell: number) => {
    const selected = cell < 0 ? 0 : (counts[cell] as number);
    return selected > 0 && selected >= INSIDE_SHARE * (level.loaded[cell] as number);
  };
  context.beginPath();
  eachCell(frame, (cell, x, y, side) => {
    if (!inside(cell)) return;
    const [row, col] = [level.rows[cell] as number, level.cols[cell] as number];
    for (const [down, right, x0, y0, x1, y1] of SIDES) {
      if (inside(cellAt(level, row + down, col + right))) continue;
      context.moveTo(x + x0 * side, y + y0 * side);
      context.lineTo(x + x1 * side, y + y1 * side);
    }
  });
  strokeTwice(context, frame);
  // A cell that is selected as a whole has an outline; its icon stays clear.
  const whole = (cell: number) => cell >= 0 && counts[cell] === level.loaded[cell];
  diamonds(
    context,
    frame,
    rows.filter((row) => !whole(level.cellOf[row] as number)),
  );
}

/** Outlines the visible pins, with their numbers in the list. */
export function drawPins(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  pins: readonly Pin[],
): void {
  const { atlas, level, camera, viewport } = frame;
  pins.forEach(({ series, step, size, row, col }, place) => {
    if (series !== atlas.series || step !== atlas.step || size !== level.size) return;
    const { x, y } = toScreen(camera, viewport, { x: col / size, y: row / size });
    const side = worldSide(camera, viewport) / size;
    context.beginPath();
    context.rect(x, y, side, side);
    strokeTwice(context, frame, []);
    badge(context, frame, `⚑ ${place + 1}`, x + side, y);
  });
}

/** The outline that is being drawn, in map units. */
export function drawOutline(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  outline: readonly Point[],
): void {
  const { camera, viewport, theme } = frame;
  context.beginPath();
  for (const corner of outline) {
    const { x, y } = toScreen(camera, viewport, corner);
    context.lineTo(x, y);
  }
  context.closePath();
  context.globalAlpha = 0.16;
  context.fillStyle = theme.accent;
  context.fill();
  context.globalAlpha = 1;
  strokeTwice(context, frame);
}

function strokeTwice(
  context: CanvasRenderingContext2D,
  { theme }: OverlayFrame,
  dashes: number[] = DASHES,
): void {
  context.lineWidth = 4;
  context.strokeStyle = cssColor(theme.ground);
  context.stroke();
  context.lineWidth = 2;
  context.setLineDash(dashes);
  context.strokeStyle = theme.label;
  context.stroke();
  context.setLineDash([]);
}

function diamonds(context: CanvasRenderingContext2D, frame: OverlayFrame, rows: Int32Array): void {
  const { theme } = frame;
  context.beginPath();
  eachPoint(frame, rows, (x, y) => {
    context.moveTo(x, y - DIAMOND);
    context.lineTo(x + DIAMOND, y);
    context.lineTo(x, y + DIAMOND);
    context.lineTo(x - DIAMOND, y);
    context.closePath();
  });
  context.lineWidth = 2;
  context.strokeStyle = cssColor(theme.ground);
  context.stroke();
  context.fillStyle = theme.label;
  context.fill();
}
