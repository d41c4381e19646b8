// SPDX-License-Identifier: Apache-2.0
/**
 * Drag, pinch, wheel and double click on one element.
 *
 * d3-zoom does the same, but brings 17.8 kB gz of selections, transitions and colour spaces, almost a
 * third of the tab's budget, and a second transform to keep in step with the camera.
 */

import type { Point } from '../domain/camera';

/** A press that moves less than this in CSS pixels is a click. */
const CLICK_SLACK = 4;
/** Wheel units to doublings: pixels, lines and pages, as d3-zoom weighs them. */
const WHEEL_DOUBLINGS = [0.002, 0.05, 1] as const;
/** Browsers send a trackpad's pinch as small wheel turns with Ctrl held. */
const PINCH_GAIN = 10;
/** A wheel turns by more than a pinch, also with Ctrl held. */
const SMALLEST_NOTCH = 50;
/** Two clicks this close in time and place are one double click. */
const DOUBLE_CLICK_MS = 400;
const DOUBLE_CLICK_SLACK = 12;

export interface GestureListener {
  /** The map was dragged by so many CSS pixels. */
  pan(dx: number, dy: number): void;
  /** The map shall grow by `factor` around a point, now. */
  zoom(at: Point, factor: number): void;
  click(at: Point, more: boolean): void;
  /** Follows the click that it began as. */
  doubleClick(at: Point, reverse: boolean): void;
  /** The pointer rests or moves over the map without pressing it; null when it has left. */
  hover(at: Point | null): void;
  drag(active: boolean): void;
  /** The wheel was turned with no key held; whether that is for the page to follow. */
  scroll(): boolean;
}

export class Gestures {
  readonly #pressed = new Map<number, Point>();
  #start: Point | null = null;
  #dragging = false;
  #lastClick: { readonly at: Point; readonly time: number } | null = null;

  constructor(
    private readonly element: HTMLElement,
    private readonly listener: GestureListener,
  ) {
    element.addEventListener('pointerdown', (event) => this.#down(event));
    element.addEventListener('pointermove', (event) => this.#move(event));
    element.addEventListener('pointerup', (event) => this.#up(event));
    element.addEventListener('pointercancel', (event) => this.#up(event));
    element.addEventListener('pointerleave', ({ pointerType }) => {
      // What was clicked elsewhere stands between two clicks here; fingers leave with every tap.
      if (pointerType !== 'touch') this.#lastClick = null;
      listener.hover(null);
    });
    element.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
  }

  #local(event: MouseEvent): Point {
    const box = this.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    this.#pressed.set(event.pointerId, this.#local(event));
    if (this.#pressed.size === 1) this.#start = this.#local(event);
    else this.#beginDrag();
  }

  #move(event: PointerEvent): void {
    const at = this.#local(event);
    const before = this.#pressed.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType !== 'touch') this.listener.hover(at);
      return;
    }
    const start = this.#start ?? at;
    if (!this.#dragging && Math.hypot(at.x - start.x, at.y - start.y) < CLICK_SLACK) return;
    this.#beginDrag();
    const other = [...this.#pressed].find(([id]) => id !== event.pointerId)?.[1];
    this.#pressed.set(event.pointerId, at);
    if (other === undefined) this.listener.pan(before.x - at.x, before.y - at.y);
    else this.#pinch(other, before, at);
  }

  /** One finger moves against the other: the point between them stays under them. */
  #pinch(other: Point, before: Point, at: Point): void {
    const apart = (a: Point) => Math.max(1, Math.hypot(a.x - other.x, a.y - other.y));
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    this.listener.pan((before.x - at.x) / 2, (before.y - at.y) / 2);
    this.listener.zoom(middle, apart(at) / apart(before));
  }

  #beginDrag(): void {
    if (this.#dragging) return;
    this.#dragging = true;
    this.listener.drag(true);
  }

  #up(event: PointerEvent): void {
    const pressed = this.#pressed.delete(event.pointerId);
    if (!pressed || this.#pressed.size > 0) return;
    const wasDrag = this.#dragging;
    this.#dragging = false;
    this.#start = null;
    if (wasDrag) this.listener.drag(false);
    else if (event.type === 'pointerup') this.#click(event);
  }

  /** Told from pointer events alone, so that fingers can do it too. */
  #click(event: PointerEvent): void {
    const at = this.#local(event);
    const last = this.#lastClick;
    const again =
      last !== null &&
      event.timeStamp - last.time < DOUBLE_CLICK_MS &&
      Math.hypot(at.x - last.at.x, at.y - last.at.y) < DOUBLE_CLICK_SLACK;
    this.#lastClick = again ? null : { at, time: event.timeStamp };
    if (again) this.listener.doubleClick(at, event.shiftKey);
    else this.listener.click(at, event.shiftKey);
  }

  #wheel(event: WheelEvent): void {
    const { deltaY, deltaMode, ctrlKey, altKey, metaKey } = event;
    if (!ctrlKey && !altKey && !metaKey && this.listener.scroll()) return;
    event.preventDefault();
    const pinch = ctrlKey && Math.abs(deltaY) < SMALLEST_NOTCH;
    const unit = WHEEL_DOUBLINGS[deltaMode as 0 | 1 | 2] * (pinch ? PINCH_GAIN : 1);
    this.listener.zoom(this.#local(event), 2 ** (-deltaY * unit));
  }
}
