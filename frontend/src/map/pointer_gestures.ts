// SPDX-License-Identifier: Apache-2.0
/**
 * Drag, pinch, wheel, click and double click on the map: d3-zoom over our camera.
 *
 * The camera in the store is the source of truth. Before a gesture, d3-zoom's transform is set from it; the
 * result of the gesture is written back to the store.
 */

import { pointer, select } from 'd3-selection';
import { type D3ZoomEvent, type ZoomBehavior, ZoomTransform, zoom, zoomTransform } from 'd3-zoom';
import {
  type Camera,
  clampCamera,
  fitSide,
  MAX_ZOOM,
  MIN_ZOOM,
  type Point,
  type Viewport,
} from '../domain/camera';

/** A press that moves less than this in CSS pixels is a click. */
const CLICK_SLACK = 4;
/** Browsers send a trackpad's pinch as small wheel turns with Ctrl held; a wheel turns by more than this. */
const SMALLEST_NOTCH = 50;
/** Wheel units to doublings, pixels, lines and pages, and how much faster a pinch is: as in d3-zoom. */
const WHEEL_DOUBLINGS = [0.002, 0.05, 1] as const;
const PINCH_GAIN = 10;
/** Browsers may report a double tap once more, as a double click, within this time. */
const SAME_DOUBLE_TAP_MS = 500;

export interface GestureListener {
  readonly camera: Camera;
  readonly viewport: Viewport;
  /** The map shall show this, now. */
  move(camera: Camera): void;
  /** A drag or pinch has begun or ended. */
  drag(active: boolean): void;
  click(at: Point, more: boolean): void;
  /** Follows the click that it began as. */
  doubleClick(at: Point, reverse: boolean): void;
  /** The pointer rests or moves over the map without pressing it; null when it has left. */
  hover(at: Point | null): void;
  /** The wheel was turned with no key held; whether that is for the page to follow. */
  scroll(): boolean;
  /** Whether a press selects samples and must not move the map. */
  selects(event: MouseEvent | TouchEvent): boolean;
}

type PressEvent = WheelEvent | MouseEvent | TouchEvent;

export class ZoomGestures {
  readonly #behavior: ZoomBehavior<HTMLElement, unknown>;
  #start: ZoomTransform = new ZoomTransform(1, 0, 0);
  #dragging = false;
  #synchronizing = false;
  #tapped = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly element: HTMLElement,
    private readonly listener: GestureListener,
  ) {
    for (const type of ['wheel', 'mousedown', 'touchstart']) {
      element.addEventListener(type, () => this.#synchronize(), { capture: true, passive: true });
    }
    this.#behavior = zoom<HTMLElement, unknown>()
      .filter((event: PressEvent) => this.#accepts(event))
      .touchable(true)
      .extent(() => [
        [0, 0],
        [listener.viewport.width, listener.viewport.height],
      ])
      .scaleExtent([MIN_ZOOM, MAX_ZOOM])
      .constrain((transform) => this.#transformOf(clampCamera(this.#cameraOf(transform))))
      .wheelDelta(doublingsOf)
      .clickDistance(CLICK_SLACK)
      .on('start', ({ transform }) => {
        this.#start = transform;
      })
      .on('zoom', (event) => this.#zoom(event))
      .on('end', () => {
        if (!this.#dragging) return;
        this.#dragging = false;
        listener.drag(false);
      });
    select(element)
      .call(this.#behavior)
      .on('dblclick.zoom', (event: MouseEvent | TouchEvent) => this.#doubleClick(event));
    element.addEventListener('click', (event) => {
      // This identifies the second half of a double click.
      if (event.detail < 2) listener.click(this.#local(event), event.shiftKey);
    });
    element.addEventListener('pointermove', (event) => {
      if (event.pointerType !== 'touch' && event.buttons === 0) listener.hover(this.#local(event));
    });
    element.addEventListener('pointerleave', () => listener.hover(null));
    // At the limits of its range d3-zoom leaves the wheel to the page.
    element.addEventListener('wheel', (event) => event.preventDefault(), { passive: false });
  }

  #local(event: MouseEvent | Touch): Point {
    const [x, y] = pointer(event, this.element);
    return { x, y };
  }

  #accepts(event: PressEvent): boolean {
    if (event instanceof WheelEvent) {
      const { ctrlKey, altKey, metaKey } = event;
      if (ctrlKey || altKey || metaKey || !this.listener.scroll()) return true;
      // Before the listener that keeps the page where it is.
      event.stopImmediatePropagation();
      return false;
    }
    if ('touches' in event && event.touches.length > 1) return true;
    return !('button' in event && event.button !== 0) && !this.listener.selects(event);
  }

  #zoom({ sourceEvent, transform }: D3ZoomEvent<HTMLElement, unknown>): void {
    if (this.#synchronizing) return;
    const { k, x, y } = this.#start;
    if (!this.#dragging && !(sourceEvent instanceof WheelEvent)) {
      const apart = Math.hypot(transform.x - x, transform.y - y);
      if (transform.k === k && apart < CLICK_SLACK) return;
      this.#dragging = true;
      this.listener.drag(true);
    }
    this.listener.move(this.#cameraOf(transform));
  }

  #doubleClick(event: MouseEvent | TouchEvent): void {
    const touch = 'changedTouches' in event ? event.changedTouches[0] : undefined;
    if (event.timeStamp - this.#tapped < SAME_DOUBLE_TAP_MS) return;
    if (touch) this.#tapped = event.timeStamp;
    this.listener.doubleClick(this.#local(touch ?? (event as MouseEvent)), event.shiftKey);
  }

  /** d3-zoom takes over what else has moved the camera: keys, flights, links. */
  #synchronize(): void {
    const { k, x, y } = this.#transformOf(this.listener.camera);
    const now = zoomTransform(this.element);
    if (k === now.k && x === now.x && y === now.y) return;
    this.#synchronizing = true;
    this.#behavior.transform(select(this.element), new ZoomTransform(k, x, y));
    this.#synchronizing = false;
  }

  /** From the unit square at zoom 1, in CSS pixels, to the element. */
  #transformOf({ x, y, z }: Camera): ZoomTransform {
    const { viewport } = this.listener;
    const side = fitSide(viewport) * z;
    return new ZoomTransform(z, viewport.width / 2 - x * side, viewport.height / 2 - y * side);
  }

  #cameraOf({ k, x, y }: ZoomTransform): Camera {
    const { viewport } = this.listener;
    const side = fitSide(viewport) * k;
    return { x: (viewport.width / 2 - x) / side, y: (viewport.height / 2 - y) / side, z: k };
  }
}

function doublingsOf({ deltaY, deltaMode, ctrlKey }: WheelEvent): number {
  const pinch = ctrlKey && Math.abs(deltaY) < SMALLEST_NOTCH;
  return -deltaY * WHEEL_DOUBLINGS[deltaMode as 0 | 1 | 2] * (pinch ? PINCH_GAIN : 1);
}
