// SPDX-License-Identifier: Apache-2.0
/** Borders and names of concepts over the icons. */

import { toScreen, toWorld, worldSide } from '../../domain/camera';
import { conceptColor } from '../../domain/concept_colors';
import {
  type NameAnchor,
  type PlacedName,
  placeNames,
  type Territories,
} from '../../domain/concept_territories';
import { cutName } from '../../util/format';
import type { OverlayFrame } from '../overlay';

const FONT = '600 12px Roboto, system-ui, sans-serif';
/** Names are shortened to what fits into their territory, but not to less than the first of these. */
const NAME_LENGTHS = [9, 26] as const;
const CHARACTER = 7.5;
const HEIGHT = 20;
/** Dot of the concept's color in front of its name. */
const DOT = 4;
const TEXT_AT = 14;
/** Free room at both ends, which keeps names apart. */
const PAD = 6;
/** Names keep this distance from the edges of the view. */
const EDGE = 6;
/** Cells narrower than this in CSS pixels have thin borders. */
const WIDE_FROM = 48;
/** Opacity of borders, so that names stand out. */
const INK = 0.7;

/** Draws the borders, and the names between `left` and `right`; returns where these are. */
export function drawConcepts(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  territories: Territories,
  [left, right]: readonly [number, number],
  dark: boolean,
): readonly PlacedName[] {
  const { camera, viewport, theme, level } = frame;
  drawBorders(context, frame, territories.borders);
  context.font = FONT;
  context.textBaseline = 'middle';
  const side = worldSide(camera, viewport);
  const view = {
    ...toWorld(camera, viewport, { x: (left + right) / 2, y: viewport.height / 2 }),
    width: (right - left - 2 * EDGE) / side,
    height: (viewport.height - 2 * EDGE) / side,
  };
  const wordsOf = ({ concept, across }: NameAnchor) => {
    const room = (across / level.size) * side - TEXT_AT - PAD;
    const [least, most] = NAME_LENGTHS;
    return cutName(concept.name, Math.max(least, Math.min(most, Math.floor(room / CHARACTER))));
  };
  const names = placeNames(territories, level, view, (anchor) => ({
    width: (context.measureText(wordsOf(anchor)).width + TEXT_AT + 2 * PAD) / side,
    height: HEIGHT / side,
  }));
  for (const { anchor, box } of names) {
    const words = wordsOf(anchor);
    const { x, y } = toScreen(camera, viewport, { x: box.x - box.width / 2, y: box.y });
    const [start, middle] = [Math.round(x) + PAD, Math.round(y)];
    context.strokeStyle = theme.labelGround;
    context.lineWidth = 4;
    context.strokeText(words, start + TEXT_AT, middle);
    context.fillStyle = theme.label;
    context.fillText(words, start + TEXT_AT, middle);
    context.beginPath();
    context.arc(start + DOT, middle - 1, DOT, 0, 2 * Math.PI);
    context.stroke();
    context.fillStyle = conceptColor(anchor.concept.id, dark);
    context.fill();
  }
  return names;
}

/** Lines that are visible on any icon. */
function drawBorders(
  context: CanvasRenderingContext2D,
  { camera, viewport, theme, level }: OverlayFrame,
  borders: Float32Array,
): void {
  const side = worldSide(camera, viewport);
  const origin = toScreen(camera, viewport, { x: 0, y: 0 });
  context.beginPath();
  for (let i = 0; i < borders.length; i += 4) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = borders.subarray(i, i + 4);
    const [left, top] = [origin.x + x0 * side, origin.y + y0 * side];
    const [right, bottom] = [origin.x + x1 * side, origin.y + y1 * side];
    if (left > viewport.width || top > viewport.height || right < 0 || bottom < 0) continue;
    context.moveTo(left, top);
    context.lineTo(right, bottom);
  }
  const width = side / level.size < WIDE_FROM ? 1.5 : 2;
  context.lineCap = context.lineJoin = 'round';
  context.strokeStyle = theme.labelGround;
  context.lineWidth = width + 2.5;
  context.stroke();
  context.globalAlpha = INK;
  context.strokeStyle = theme.label;
  context.lineWidth = width;
  context.stroke();
  context.globalAlpha = 1;
  context.lineCap = 'butt';
}
