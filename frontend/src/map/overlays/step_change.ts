// SPDX-License-Identifier: Apache-2.0
/**
 * Change of each cell: arrows from the old to the new position of its members, or an outline in the
 * color of the change; only significant changes are drawn strongly.
 */

import { type Point, toScreen } from '../../domain/camera';
import {
  type Drift,
  type DriftValues,
  formatChange,
  isSignificant,
} from '../../domain/comparison/drift';
import { sequential } from '../../domain/map_colors';
import { cssColor } from '../../util/css_color';
import { badge, eachCell, type OverlayFrame } from '../overlay';

/** Icons are dimmed under the arrows. */
const VEIL = 0.5;
/** Moves shorter than this in CSS pixels have no direction that could be seen. */
const SHORTEST = 5;
/** Half widths of an arrow in CSS pixels, and how long its head is. */
const SHAPE = { tail: 0.7, neck: 2.1, head: 5.6, length: 11 } as const;
/** From this length on an arrow has its full size. */
const FULL_LENGTH = 26;
const HALO = 3;
const CHANCE_ALPHA = 0.6;
/** Width of outlines as a share of the side of a cell: significant and not significant. */
const FRAMES = { significant: 0.15, chance: 0.06, least: 2 } as const;
/** Icons are dimmed where the change is not significant. */
const DIM = 0.72;
/** Cells of this side in CSS pixels have room for a number. */
const VALUE_FROM = 44;

interface Arrow {
  readonly from: Point;
  readonly to: Point;
  readonly significant: boolean;
}

export function drawDisplacement(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  drift: Drift,
): void {
  const { viewport, theme } = frame;
  context.globalAlpha = VEIL;
  context.fillStyle = cssColor(theme.ground);
  context.fillRect(0, 0, viewport.width, viewport.height);
  context.globalAlpha = 1;
  const arrows = arrowsInView(frame, drift);
  for (const arrow of arrows) if (!arrow.significant) drawChance(context, frame, arrow);
  for (const arrow of arrows) if (arrow.significant) drawSignificant(context, frame, arrow);
}

export function drawChange(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  found: DriftValues,
): void {
  const { values, most } = found;
  context.lineJoin = 'miter';
  eachCell(frame, (cell, x, y, side) => {
    const value = values[cell] as number;
    const significant = isSignificant(found, cell);
    context.fillStyle = cssColor(frame.theme.ground);
    context.globalAlpha = significant ? 0 : DIM;
    context.fillRect(x, y, side, side);
    if (Number.isNaN(value)) return;
    const width = Math.max(FRAMES.least, side * (significant ? FRAMES.significant : FRAMES.chance));
    context.globalAlpha = significant ? 1 : CHANCE_ALPHA;
    context.strokeStyle = cssColor(sequential(value / (most || 1)));
    context.lineWidth = width;
    context.strokeRect(x + 1 + width / 2, y + 1 + width / 2, side - width - 2, side - width - 2);
    context.globalAlpha = 1;
    if (side >= VALUE_FROM) badge(context, frame, formatChange(value, most), x + side - 1, y + 1);
  });
  context.globalAlpha = 1;
}

function arrowsInView(frame: OverlayFrame, drift: Drift): Arrow[] {
  const { from, to } = drift;
  const { camera, viewport } = frame;
  const at = (places: Float32Array, cell: number) =>
    toScreen(camera, viewport, {
      x: places[2 * cell] as number,
      y: places[2 * cell + 1] as number,
    });
  const seen = ({ x, y }: Point) => x > 0 && y > 0 && x < viewport.width && y < viewport.height;
  return Array.from({ length: to.length / 2 }, (_, cell) => ({
    from: at(from, cell),
    to: at(to, cell),
    significant: isSignificant(drift, cell),
  })).filter((arrow) => seen(arrow.from) || seen(arrow.to));
}

/** A wedge that grows toward its head: it has a direction even where many cross. */
function drawSignificant(
  context: CanvasRenderingContext2D,
  { theme }: OverlayFrame,
  { from, to }: Arrow,
): void {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  context.fillStyle = theme.label;
  context.strokeStyle = cssColor(theme.ground);
  context.lineWidth = HALO;
  context.lineJoin = 'round';
  context.beginPath();
  if (length < SHORTEST) context.arc(to.x, to.y, 3, 0, 2 * Math.PI);
  else wedge(context, from, to, length);
  context.closePath();
  context.stroke();
  context.fill();
}

function wedge(context: CanvasRenderingContext2D, from: Point, to: Point, length: number): void {
  const scale = Math.min(1, 0.45 + (0.55 * length) / FULL_LENGTH);
  const x = (to.x - from.x) / length;
  const y = (to.y - from.y) / length;
  const head = Math.min(0.7 * length, SHAPE.length * scale);
  const neck = { x: to.x - x * head, y: to.y - y * head };
  const corner = (at: Point, half: number) =>
    context.lineTo(at.x - y * half * scale, at.y + x * half * scale);
  corner(from, SHAPE.tail);
  corner(neck, SHAPE.neck);
  corner(neck, SHAPE.head);
  context.lineTo(to.x, to.y);
  corner(neck, -SHAPE.head);
  corner(neck, -SHAPE.neck);
  corner(from, -SHAPE.tail);
}

/** A move that chance explains: a thin broken line that ends in a dot. */
function drawChance(
  context: CanvasRenderingContext2D,
  { theme }: OverlayFrame,
  { from, to }: Arrow,
): void {
  context.globalAlpha = CHANCE_ALPHA;
  context.strokeStyle = theme.label;
  context.fillStyle = theme.label;
  context.lineWidth = 1.2;
  context.setLineDash([2, 3]);
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x, to.y);
  context.stroke();
  context.setLineDash([]);
  context.beginPath();
  context.arc(to.x, to.y, 1.8, 0, 2 * Math.PI);
  context.fill();
  context.globalAlpha = 1;
}
