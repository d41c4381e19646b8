// SPDX-License-Identifier: Apache-2.0
/** Draws HTML panels at their positions on the page onto a canvas or into an SVG. */

import { SvgContext } from './svg_context';

export type Painter = CanvasRenderingContext2D | SvgContext;

/** Grounds, borders, words and signs of `root`, whose top left corner comes to 0, 0. */
export function paintPanel(context: Painter, root: HTMLElement): void {
  const { left, top } = root.getBoundingClientRect();
  context.save();
  context.translate(-left, -top);
  paint(context, root);
  context.restore();
}

function paint(context: Painter, element: Element): void {
  // Skip controls.
  if (element.matches('button:not(.swatches *), .changes, .hidden, [hidden]')) return;
  const style = getComputedStyle(element);
  if (element instanceof SVGGeometryElement) {
    drawSign(context, element, style);
    return;
  }
  if (element instanceof HTMLElement) drawBox(context, element.getBoundingClientRect(), style);
  for (const child of element.childNodes) {
    if (child instanceof Element) paint(context, child);
    else if (child instanceof Text) drawWords(context, child, style);
  }
}

function drawBox(
  context: Painter,
  { x, y, width, height }: DOMRect,
  style: CSSStyleDeclaration,
): void {
  if (width === 0 || height === 0) return;
  const box = (inset: number) => {
    context.beginPath();
    const radius = Math.max(0, Number.parseFloat(style.borderRadius) - inset) || 0;
    context.roundRect(x + inset, y + inset, width - 2 * inset, height - 2 * inset, radius);
  };
  context.save();
  context.fillStyle = style.backgroundColor;
  box(0);
  context.fill();
  drawImage(context, { x, y, width, height }, style.backgroundImage);
  const line = Number.parseFloat(style.borderTopWidth);
  if (line > 0 && style.borderTopStyle !== 'none') {
    const parts = style.borderTopStyle === 'double' ? 3 : 1;
    context.strokeStyle = style.borderTopColor;
    context.lineWidth = line / parts;
    const dash = { dotted: [line, line], dashed: [3 * line, 2 * line] }[style.borderTopStyle];
    context.setLineDash(dash ?? []);
    for (let part = 0; part < parts; part += 2) {
      box(((part + 0.5) * line) / parts);
      context.stroke();
    }
  }
  context.restore();
}

/** Scales as gradients, hatching as lines. */
function drawImage(
  context: Painter,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
  image: string,
): void {
  const colors = image.match(/(?:rgba?|color)\([^()]*\)/g);
  if (colors === null) return;
  context.clip();
  if (!image.startsWith('repeating')) {
    const gradient = context.createLinearGradient(x, 0, x + width, 0);
    colors.forEach((color, i) => {
      gradient.addColorStop(i / Math.max(1, colors.length - 1), color);
    });
    context.fillStyle = gradient;
    context.fillRect(x, y, width, height);
    return;
  }
  context.strokeStyle = colors[0] as string;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let at = -height; at < width; at += 5) {
    context.moveTo(x + at, y + height);
    context.lineTo(x + at + height, y);
  }
  context.stroke();
}

/** Every word where it stands; one that is broken over lines letter by letter. */
function drawWords(
  context: Painter,
  text: Text,
  { color, fontWeight, fontSize, fontFamily }: CSSStyleDeclaration,
): void {
  const range = document.createRange();
  const draw = (from: number, to: number): void => {
    range.setStart(text, from);
    range.setEnd(text, to);
    const rects = range.getClientRects();
    const [rect] = rects;
    if (rects.length > 1 && to - from > 1) {
      for (let at = from; at < to; at++) draw(at, at + 1);
    } else if (rect) {
      const { fontBoundingBoxAscent } = context.measureText('x');
      context.fillText(text.data.slice(from, to), rect.left, rect.top + fontBoundingBoxAscent);
    }
  };
  context.fillStyle = color;
  context.font = `${fontWeight} ${fontSize} ${fontFamily}`;
  for (const { 0: word, index } of text.data.matchAll(/\S+/g)) draw(index, index + word.length);
}

function drawSign(context: Painter, shape: SVGGeometryElement, style: CSSStyleDeclaration): void {
  const { fill, stroke, strokeWidth, strokeDasharray } = style;
  const place = shape.getScreenCTM();
  if (place === null) return;
  if (context instanceof SvgContext) {
    context.shape(shape, place, style);
    return;
  }
  const { a, b, c, d, e, f } = place;
  const path = new Path2D(shape.getAttribute('d') ?? '');
  if (shape instanceof SVGCircleElement) {
    const { cx, cy, r } = shape;
    path.arc(cx.baseVal.value, cy.baseVal.value, r.baseVal.value, 0, 2 * Math.PI);
  }
  context.save();
  context.transform(a, b, c, d, e, f);
  if (fill !== 'none') {
    context.fillStyle = fill;
    context.fill(path);
  }
  if (stroke !== 'none') {
    context.strokeStyle = stroke;
    context.lineWidth = Number.parseFloat(strokeWidth);
    context.setLineDash(strokeDasharray.split(/[ ,]+/).map(Number.parseFloat).filter(Boolean));
    context.stroke(path);
  }
  context.restore();
}
