// SPDX-License-Identifier: Apache-2.0
/** The axis of a class atlas, from one class to the other, above the map or at its upper edge. */

import { toScreen, worldSide } from '../../domain/camera';
import { type Axis, classAtlasOf } from '../../domain/class_atlas';
import { cssColor } from '../../util/css_color';
import { shorten } from '../../util/format';
import { formatFractionWithSign } from '../../wire/attribution';
import { LABEL_FONT, type OverlayFrame } from '../overlay';

/** From the middle of the axis to the map, and at least to the edge of the view, in CSS pixels. */
const AWAY = 10;
const EDGE = 6;
const HEAD = 7;
const PAD = 5;
const HEIGHT = 16;
const GAP = 12;
const NEUTRAL = 'no difference';
/** Names as long as that, and shorter ones where there is less room. */
const NAMES = [40, 20, 10, 5];

type Context = CanvasRenderingContext2D;

/** Draws up to `end` from the left; `stated`: with the difference at the rims. */
export function drawAxis(
  context: Context,
  frame: OverlayFrame,
  end: number,
  stated: boolean,
): void {
  const axis = classAtlasOf(frame.atlas)?.axis;
  if (!axis) return;
  const { camera, viewport, theme } = frame;
  const side = worldSide(camera, viewport);
  const { x, y: top } = toScreen(camera, viewport, { x: 0, y: 0 });
  const [from, to] = [Math.max(x, EDGE), Math.min(x + side, end - EDGE)];
  const y = Math.min(viewport.height - AWAY, Math.max(AWAY, top - AWAY));
  const middle = x + side / 2;
  context.font = LABEL_FONT;
  context.textBaseline = 'middle';
  const words = choose(context, axis, to - from, stated && from === x && to === x + side);
  if (words === null) return;
  const halved = middle > from && middle < to;
  if (halved) {
    const lower = Math.min(top + side, viewport.height);
    trace(context, frame, [4, 4], [middle, Math.max(top, y)], [middle, Math.max(top, lower)]);
  }
  trace(context, frame, [], [from, y], [to, y]);
  context.fillStyle = theme.label;
  head(context, from, y, 1);
  head(context, to, y, -1);
  const [left, right, between] = [...words, NEUTRAL].map((text) =>
    widthOf(context, text),
  ) as Widths;
  label(context, frame, words[0], from + HEAD + 3, y);
  label(context, frame, words[1], to - HEAD - 3 - right, y);
  const free = [from + HEAD + left + GAP, to - HEAD - right - GAP] as const;
  const start = middle - between / 2;
  if (halved && start > free[0] && start + between < free[1])
    label(context, frame, NEUTRAL, start, y);
}

type Widths = [number, number, number];

/** The longest words that leave the middle free; null where there is no room for any. */
function choose(
  context: Context,
  { left, right, reach }: Axis,
  room: number,
  stated: boolean,
): readonly [string, string] | null {
  const far = stated ? ` · ${formatFractionWithSign(reach)} logits` : '';
  const most = (room - widthOf(context, NEUTRAL)) / 2 - HEAD - GAP;
  for (const end of new Set([far, ''])) {
    for (const length of NAMES) {
      const words = [left, right].map((name) => `more for ${shorten(name, length)}${end}`);
      if (words.every((text) => widthOf(context, text) <= most)) return words as [string, string];
    }
  }
  return null;
}

function widthOf(context: Context, text: string): number {
  return context.measureText(text).width + 2 * PAD;
}

/** A line that is visible on any background. */
function trace(
  context: Context,
  { theme }: OverlayFrame,
  dash: number[],
  from: readonly [number, number],
  to: readonly [number, number],
): void {
  for (const [color, width, pattern] of [
    [cssColor(theme.ground), 4, []],
    [theme.label, 1.3, dash],
  ] as const) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.setLineDash([...pattern]);
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
  }
  context.setLineDash([]);
}

function head(context: Context, x: number, y: number, way: number): void {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + way * HEAD, y - 4.5);
  context.lineTo(x + way * HEAD, y + 4.5);
  context.fill();
}

function label(
  context: Context,
  { theme }: OverlayFrame,
  text: string,
  x: number,
  y: number,
): void {
  context.fillStyle = cssColor(theme.ground);
  context.beginPath();
  context.roundRect(x, y - HEIGHT / 2, widthOf(context, text), HEIGHT, 3);
  context.fill();
  context.fillStyle = theme.label;
  context.fillText(text, x + PAD, y + 0.5);
}
