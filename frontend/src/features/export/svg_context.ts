// SPDX-License-Identifier: Apache-2.0
/** The subset of a 2D canvas context that the overlays use, written as SVG. */

const SVG = 'http://www.w3.org/2000/svg';
const KEPT = ['fillStyle', 'strokeStyle', 'lineWidth', 'font'] as const;

type Look = Pick<SvgContext, (typeof KEPT)[number]> & {
  readonly matrix: DOMMatrix;
  readonly dash: readonly number[];
  readonly clip: string;
};

class SvgGradient {
  constructor(readonly element: Element) {}

  addColorStop(at: number, color: string): void {
    put(this.element, 'stop', { offset: at, 'stop-color': color });
  }
}

/** Draws into `root`; measures words on a canvas of its own. */
export class SvgContext {
  fillStyle: string | SvgGradient = '#000';
  strokeStyle = '#000';
  lineWidth = 1;
  font = '';
  readonly root: SVGSVGElement;
  readonly #ruler = document.createElement('canvas').getContext('2d');
  #look: Omit<Look, (typeof KEPT)[number]> = { matrix: new DOMMatrix(), dash: [], clip: '' };
  #path = '';
  #names = 0;
  readonly #saved: Look[] = [];

  constructor(width: number, height: number) {
    this.root = document.createElementNS(SVG, 'svg');
    set(this.root, { width, height, viewBox: `0 0 ${width} ${height}` });
  }

  save(): void {
    const { fillStyle, strokeStyle, lineWidth, font } = this;
    this.#saved.push({ ...this.#look, fillStyle, strokeStyle, lineWidth, font });
  }

  restore(): void {
    const look = this.#saved.pop();
    if (!look) return;
    this.#look = look;
    for (const name of KEPT) Object.assign(this, { [name]: look[name] });
  }

  translate(x: number, y: number): void {
    this.#look = { ...this.#look, matrix: this.#look.matrix.translate(x, y) };
  }

  setLineDash(dash: readonly number[]): void {
    this.#look = { ...this.#look, dash };
  }

  beginPath(): void {
    this.#path = '';
  }

  moveTo(x: number, y: number): void {
    this.#path += `M${x} ${y}`;
  }

  lineTo(x: number, y: number): void {
    this.#path += `L${x} ${y}`;
  }

  roundRect(x: number, y: number, width: number, height: number, radius: number): void {
    const r = Math.max(0, Math.min(radius, width / 2, height / 2));
    const turn = (dx: number, dy: number) => `a${r} ${r} 0 0 1 ${dx} ${dy}`;
    this.#path +=
      `M${x + r} ${y}h${width - 2 * r}${turn(r, r)}v${height - 2 * r}${turn(-r, r)}` +
      `h${2 * r - width}${turn(-r, -r)}v${2 * r - height}${turn(r, -r)}z`;
  }

  /** To the path; what is drawn before `restore` must stand where the path does. */
  clip(): void {
    const id = this.#name();
    put(put(this.root, 'clipPath', { id }), 'path', { d: this.#path });
    this.#look = { ...this.#look, clip: `url(#${id})` };
  }

  fill(): void {
    this.#draw('path', { d: this.#path, fill: this.#paint() });
  }

  stroke(): void {
    this.#draw('path', {
      d: this.#path,
      fill: 'none',
      stroke: this.strokeStyle,
      'stroke-width': this.lineWidth,
      'stroke-dasharray': this.#look.dash.join(' '),
    });
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    this.#draw('rect', { x, y, width, height, fill: this.#paint() });
  }

  fillText(text: string, x: number, y: number): void {
    this.#draw('text', { x, y, fill: this.#paint(), style: `font:${this.font}` }).textContent =
      text;
  }

  measureText(text: string): TextMetrics {
    const ruler = this.#ruler as CanvasRenderingContext2D;
    ruler.font = this.font;
    return ruler.measureText(text);
  }

  createLinearGradient(x1: number, y1: number, x2: number, y2: number): SvgGradient {
    const units = 'userSpaceOnUse';
    const id = this.#name();
    return new SvgGradient(
      put(this.root, 'linearGradient', { id, x1, y1, x2, y2, gradientUnits: units }),
    );
  }

  /** A picture, as it is. */
  image(canvas: HTMLCanvasElement, width: number, height: number): void {
    this.#draw('image', { width, height, href: canvas.toDataURL() });
  }

  /** A shape of the page, where `place` puts it. */
  shape(shape: SVGGeometryElement, place: DOMMatrix, style: CSSStyleDeclaration): void {
    const copy = document.createElementNS(SVG, shape.localName);
    for (const name of ['d', 'cx', 'cy', 'r']) {
      const value = shape.getAttribute(name);
      if (value !== null) copy.setAttribute(name, value);
    }
    set(copy, {
      fill: style.fill,
      stroke: style.stroke,
      'stroke-width': style.strokeWidth,
      'stroke-dasharray': style.strokeDasharray,
      transform: this.#look.matrix.multiply(place).toString(),
    });
    this.root.append(copy);
  }

  #draw(name: string, values: Record<string, string | number>): Element {
    const { matrix, clip } = this.#look;
    return put(this.root, name, { ...values, transform: matrix.toString(), 'clip-path': clip });
  }

  #paint(): string {
    const style = this.fillStyle;
    return style instanceof SvgGradient ? `url(#${style.element.id})` : style;
  }

  #name(): string {
    this.#names += 1;
    return `n${this.#names}`;
  }
}

function put(parent: Element, name: string, values: Record<string, string | number>): Element {
  const element = document.createElementNS(SVG, name);
  set(element, values);
  parent.append(element);
  return element;
}

function set(element: Element, values: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value !== '') element.setAttribute(name, String(value));
  }
}
