// SPDX-License-Identifier: Apache-2.0
/** Exports the map as shown, optionally enlarged, with its legends and provenance below it. */

import type { AtlasMap } from '../../map/atlas_map';
import { themeOf } from '../../map/theme';
import { atlasOnScreen, nameReference } from '../../state/reference_step';
import type { State } from '../../state/store';
import { cssColor } from '../../util/css_color';
import { count, plural, shorten } from '../../util/format';
import { type Painter, paintPanel } from './panel_painter';
import { SvgContext } from './svg_context';

export const SCALES = [1, 2, 4] as const;
export type Scale = (typeof SCALES)[number];

const GAP = 12;
const LINE = 18;
const FONT = '12px Roboto, system-ui, sans-serif';
const NAME = 80;

/** Where the picture comes from, in parts that may be wrapped between. */
export function provenanceParts(state: State, version: string): string[] {
  const { run, compare, compareMode, highlight, selection, shownLevel, step } = state;
  const atlas = atlasOnScreen(state);
  return [
    `run ${shorten(run?.run ?? '', NAME)}`,
    `layer ${shorten(atlas?.manifest.layer ?? '', NAME)}`,
    `step ${count(atlas?.step ?? 0)}`,
    `${shownLevel} × ${shownLevel} grid`,
    compare === null
      ? ''
      : `${compareMode} of A, ${nameReference(state)}, and B, step ${count(step ?? 0)}`,
    selection === null ? '' : `broken line: ${plural(selection.rows.length, 'selected sample')}`,
    highlight === null ? '' : `highlighted: ${shorten(highlight.name, NAME)}`,
    `TensorBoard Atlas ${version}`,
  ].filter(Boolean);
}

/** Parts on lines no wider than `width`. */
export function wrapParts(
  parts: readonly string[],
  width: number,
  measure: (text: string) => number,
): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const longer = `${last} · ${part}`;
    if (last !== undefined && measure(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

export interface Picture {
  readonly canvas: HTMLCanvasElement;
  /** Smaller than requested if the browser cannot draw so large. */
  readonly scale: Scale;
}

/** Draws at the largest scale up to `wanted` that the browser can; null where it can draw nothing. */
export function takePicture(
  map: AtlasMap,
  legends: readonly HTMLElement[],
  state: State,
  wanted: Scale,
  version: string,
): Picture | null {
  for (const scale of SCALES.toReversed()) {
    if (scale > wanted) continue;
    const canvas = compose(map, legends, state, scale, version);
    if (canvas !== null) return { canvas, scale };
  }
  return null;
}

/** The same as an SVG: the map as pixels, all words and signs about it as such; null as above. */
export function takeDrawing(
  map: AtlasMap,
  legends: readonly HTMLElement[],
  state: State,
  scale: Scale,
  version: string,
): Blob | null {
  const { width, height } = map.viewport;
  const pixels = document.createElement('canvas');
  pixels.width = width * scale;
  pixels.height = height * scale;
  const context = pixels.getContext('2d');
  if (context === null || !copyMap(context, map, scale)) return null;
  const plan = planFor(context, map, legends, state, version);
  const drawing = new SvgContext(width, plan.height);
  drawing.fillStyle = groundOf(state);
  drawing.fillRect(0, 0, width, plan.height);
  drawing.image(pixels, width, height);
  paintFoot(drawing, map, plan);
  const text = new XMLSerializer().serializeToString(drawing.root);
  return new Blob([text], { type: 'image/svg+xml' });
}

function compose(
  map: AtlasMap,
  legends: readonly HTMLElement[],
  state: State,
  scale: Scale,
  version: string,
): HTMLCanvasElement | null {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  if (context === null) return null;
  const plan = planFor(context, map, legends, state, version);
  canvas.width = map.viewport.width * scale;
  canvas.height = plan.height * scale;
  context.fillStyle = groundOf(state);
  context.fillRect(0, 0, canvas.width, canvas.height);
  if (!copyMap(context, map, scale)) return null;
  context.scale(scale, scale);
  paintFoot(context, map, plan);
  return canvas;
}

const groundOf = (state: State) => cssColor(themeOf(state).ground);

type Plan = ReturnType<typeof planFor>;

/** Where legends and lines go below the map, and how high that makes the whole. */
function planFor(
  context: CanvasRenderingContext2D,
  map: AtlasMap,
  legends: readonly HTMLElement[],
  state: State,
  version: string,
) {
  const { width, height } = map.viewport;
  const boxes = arrange(legends, width);
  context.font = FONT;
  const lines = wrapParts(
    provenanceParts(state, version),
    width - 2 * GAP,
    (text) => context.measureText(text).width,
  );
  const foot = boxes.reduce((low, { bottom }) => Math.max(low, bottom), 0);
  return { boxes, lines, foot, height: height + foot + GAP + lines.length * LINE + GAP / 2 };
}

function paintFoot(context: Painter, map: AtlasMap, { boxes, lines, foot }: Plan): void {
  context.translate(0, map.viewport.height);
  for (const { panel, x, y } of boxes) {
    context.save();
    context.translate(x, y);
    paintPanel(context, panel);
    context.restore();
  }
  context.font = FONT;
  context.fillStyle = getComputedStyle(map).color;
  lines.forEach((line, i) => {
    context.fillText(line, GAP, foot + GAP + LINE * (i + 0.7));
  });
}

/** Draws the map again at `scale` and copies it before the browser discards it. */
function copyMap(context: CanvasRenderingContext2D, map: AtlasMap, scale: Scale): boolean {
  map.measure(scale);
  let whole = true;
  for (const layer of map.querySelectorAll('canvas')) {
    const gl = layer.getContext('webgl2');
    whole &&= gl === null || (gl.drawingBufferWidth === layer.width && !gl.isContextLost());
    whole &&= layer.width > 0;
    if (whole) context.drawImage(layer, 0, 0);
  }
  map.measure();
  return whole;
}

/** Panels beside each other, on a new row where one is full. */
function arrange(panels: readonly HTMLElement[], width: number) {
  let [x, y, bottom] = [GAP, GAP, 0];
  return panels.map((panel) => {
    const box = panel.getBoundingClientRect();
    if (x > GAP && x + box.width + GAP > width) [x, y] = [GAP, bottom + GAP];
    bottom = Math.max(bottom, y + box.height);
    const place = { panel, x, y, bottom };
    x += box.width + GAP;
    return place;
  });
}
