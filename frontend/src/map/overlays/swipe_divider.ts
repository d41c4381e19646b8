// SPDX-License-Identifier: Apache-2.0
/** The line between A and B of a swipe, with a label on each side. */

import { cssColor } from '../../util/css_color';
import { BOLD_FONT, type OverlayFrame } from '../overlay';

/** Distance of the labels from the top: below the highlight pill. */
const TAG_MIDDLE = 72;

export function drawDivider(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  x: number,
  left: string,
  right: string,
): void {
  const { viewport, theme } = frame;
  context.fillStyle = cssColor(theme.ground);
  context.fillRect(x - 2.5, 0, 5, viewport.height);
  context.fillStyle = theme.accent;
  context.fillRect(x - 1, 0, 2, viewport.height);
  context.font = BOLD_FONT;
  context.textBaseline = 'middle';
  tag(context, frame, left, x - 10 - context.measureText(left).width - 12, TAG_MIDDLE);
  tag(context, frame, right, x + 10, TAG_MIDDLE);
}

function tag(
  context: CanvasRenderingContext2D,
  { theme }: OverlayFrame,
  text: string,
  x: number,
  y: number,
): void {
  context.fillStyle = theme.labelGround;
  context.beginPath();
  context.roundRect(x, y - 10, context.measureText(text).width + 12, 20, 4);
  context.fill();
  context.fillStyle = theme.label;
  context.fillText(text, x + 6, y + 0.5);
}
