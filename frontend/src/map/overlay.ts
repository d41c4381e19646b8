// SPDX-License-Identifier: Apache-2.0
/** Draws what is above the icons, in this order: class labels, overlays of features, outlines of cells. */

import { type Camera, toScreen, type Viewport, worldSide } from '../domain/camera';
import { majority } from '../domain/cell_stats';
import type { CanvasTheme, CellPlace } from '../domain/display_types';
import { iconScales } from '../render/scene';
import { cssColor } from '../util/css_color';
import { shorten } from '../util/format';
import { type Atlas, cellAt, className, type Level } from '../wire/atlas';

/** Cells of this side in CSS pixels begin to carry labels, and fully do from the second on. */
const LABEL_FROM = 88;
const LABEL_FULL = 108;
export const LABEL_FONT = '500 11px Roboto, system-ui, sans-serif';
export const BOLD_FONT = '600 11px Roboto, system-ui, sans-serif';
const LABEL_HEIGHT = 18;

/** Draws an overlay between the labels and the outlines of cells. */
export type OverlayPainter = (context: CanvasRenderingContext2D, frame: OverlayFrame) => void;

export interface OverlayFrame {
  readonly camera: Camera;
  readonly viewport: Viewport;
  readonly ratio: number;
  readonly atlas: Atlas;
  readonly level: Level;
  /** Class of every sample, whose majority labels the cells; null for no labels. */
  readonly values: Int32Array | null;
  readonly hover: CellPlace | null;
  readonly pinned: CellPlace | null;
  readonly theme: CanvasTheme;
  readonly painters: readonly OverlayPainter[];
}

/** Returns whether there was anything to draw. */
export function drawOverlay(context: CanvasRenderingContext2D, frame: OverlayFrame): boolean {
  const { ratio, viewport, hover, pinned, values, painters } = frame;
  const labels = worldSide(frame.camera, viewport) / frame.level.size >= LABEL_FROM ? values : null;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, viewport.width, viewport.height);
  if (labels) drawLabels(context, frame, labels);
  for (const paint of painters) paint(context, frame);
  if (pinned) outline(context, frame, pinned, 3);
  if (hover) outline(context, frame, hover, 2);
  return [labels, pinned, hover, ...painters].some(Boolean);
}

function outline(
  context: CanvasRenderingContext2D,
  { camera, viewport, level, theme }: OverlayFrame,
  { size, row, col }: CellPlace,
  width: number,
): void {
  const side = worldSide(camera, viewport) / size;
  const corner = toScreen(camera, viewport, { x: col / size, y: row / size });
  const cell = level.size === size ? cellAt(level, row, col) : -1;
  const share = cell < 0 ? 1 : (iconScales(level)[cell] as number);
  const inset = ((1 - share) * side) / 2 - width / 2;
  context.beginPath();
  context.roundRect(
    corner.x + inset,
    corner.y + inset,
    side - 2 * inset,
    side - 2 * inset,
    Math.min(5, 0.1 * side + 1),
  );
  // With a background line, so that it is visible on an icon of the same color.
  for (const [ink, wide] of [
    [cssColor(theme.ground), width + 2],
    [theme.accent, width],
  ] as const) {
    context.strokeStyle = ink;
    context.lineWidth = wide;
    context.stroke();
  }
}

function drawLabels(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  values: Int32Array,
): void {
  const { atlas, level, camera, viewport, theme } = frame;
  const cellSide = worldSide(camera, viewport) / level.size;
  const top = majority(level, values);
  context.globalAlpha = Math.min(1, (cellSide - LABEL_FROM) / (LABEL_FULL - LABEL_FROM));
  context.font = LABEL_FONT;
  context.textBaseline = 'middle';
  const scales = iconScales(level);
  eachCell(frame, (cell, x, y, side) => {
    if (level.loaded[cell] === 0) return;
    const gap = ((1 - (scales[cell] as number)) * side) / 2 + 4;
    const text = shorten(className(atlas, top.index[cell] as number), Math.floor(side / 8));
    const width = context.measureText(text).width + 10;
    context.fillStyle = theme.labelGround;
    context.beginPath();
    context.roundRect(x + gap, y + side - gap - LABEL_HEIGHT, width, LABEL_HEIGHT, 3);
    context.fill();
    context.fillStyle = theme.label;
    context.fillText(text, x + gap + 5, y + side - gap - LABEL_HEIGHT / 2 + 0.5);
  });
  context.globalAlpha = 1;
}

/** A number or a word at a top right corner. */
export function badge(
  context: CanvasRenderingContext2D,
  { theme }: OverlayFrame,
  text: string,
  right: number,
  top: number,
): void {
  context.font = '600 10px Roboto, system-ui, sans-serif';
  context.textBaseline = 'middle';
  const width = context.measureText(text).width + 8;
  context.fillStyle = theme.labelGround;
  context.beginPath();
  context.roundRect(right - width, top, width, 15, 3);
  context.fill();
  context.fillStyle = theme.label;
  context.fillText(text, right - width + 4, top + 8);
}

/** Calls `draw` with the square of every cell in view, in CSS pixels. */
export function eachCell(
  { level, camera, viewport }: OverlayFrame,
  draw: (cell: number, x: number, y: number, side: number) => void,
): void {
  const side = worldSide(camera, viewport) / level.size;
  const origin = toScreen(camera, viewport, { x: 0, y: 0 });
  for (let cell = 0; cell < level.rows.length; cell++) {
    const x = origin.x + (level.cols[cell] as number) * side;
    const y = origin.y + (level.rows[cell] as number) * side;
    if (x > viewport.width || y > viewport.height || x + side < 0 || y + side < 0) continue;
    draw(cell, x, y, side);
  }
}

/** Calls `draw` with the point of every sample in view, in CSS pixels. */
export function eachPoint(
  { camera, viewport, atlas: { xy } }: OverlayFrame,
  rows: Int32Array,
  draw: (x: number, y: number) => void,
): void {
  for (const row of rows) {
    const place = { x: xy[2 * row] as number, y: xy[2 * row + 1] as number };
    const { x, y } = toScreen(camera, viewport, place);
    if (x >= 0 && y >= 0 && x <= viewport.width && y <= viewport.height) draw(x, y);
  }
}
