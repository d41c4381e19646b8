// SPDX-License-Identifier: Apache-2.0
/** A mouse or a finger: sends an element the events that a browser makes of what it does. */

const CLICK_MS = 500;
const CLICK_SLACK = 6;

interface More {
  readonly pointerType?: 'mouse' | 'touch';
  readonly button?: number;
  readonly shiftKey?: boolean;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Fingers on the element, by number. */
const fingers = new Map<number, Place>();

export class Hand {
  time = 0;
  #pressed = false;
  #last: (Place & { readonly time: number; readonly clicks: number }) | null = null;

  constructor(
    private readonly element: HTMLElement,
    private readonly pointerId = 1,
  ) {}

  /** `type` is that of a pointer event; what a browser reports beside it follows. */
  send(type: string, x: number, y: number, more: More = {}): void {
    const { pointerType = 'mouse', button = 0, shiftKey = false } = more;
    if (type === 'pointerdown') this.#pressed = true;
    const buttons = this.#pressed ? 1 : 0;
    const init = { clientX: x, clientY: y, button, buttons, shiftKey, bubbles: true };
    this.#dispatch(new PointerEvent(type, { ...init, pointerId: this.pointerId, pointerType }));
    if (type === 'pointerup' || type === 'pointercancel') this.#pressed = false;
    if (type === 'pointerleave' && pointerType === 'mouse') this.#last = null;
    if (pointerType === 'touch') this.#touch(type, x, y, shiftKey);
    else this.#mouse(type, init);
    if (type === 'pointerup' && button === 0) this.#click(x, y, init);
  }

  click(x: number, y: number, more: More = {}): void {
    this.send('pointerdown', x, y, more);
    this.send('pointerup', x, y, more);
  }

  #mouse(type: string, init: MouseEventInit): void {
    const name = { pointerdown: 'mousedown', pointermove: 'mousemove', pointerup: 'mouseup' }[type];
    if (name) this.#dispatch(new MouseEvent(name, { ...init, cancelable: true }));
  }

  #touch(type: string, x: number, y: number, shiftKey: boolean): void {
    const name = {
      pointerdown: 'touchstart',
      pointermove: 'touchmove',
      pointerup: 'touchend',
      pointercancel: 'touchcancel',
    }[type];
    if (name === undefined) return;
    const own = { identifier: this.pointerId, clientX: x, clientY: y, target: this.element };
    if (name === 'touchstart') fingers.set(this.pointerId, { x, y });
    else if (name === 'touchmove' && fingers.has(this.pointerId)) {
      fingers.set(this.pointerId, { x, y });
    } else if (!fingers.delete(this.pointerId)) return;
    const touches = [...fingers].map(([identifier, place]) => ({
      identifier,
      clientX: place.x,
      clientY: place.y,
      target: this.element,
    }));
    const event = new Event(name, { bubbles: true, cancelable: true });
    this.#dispatch(Object.assign(event, { touches, changedTouches: [own], shiftKey }));
  }

  /** The browser counts clicks that follow each other at one place. */
  #click(x: number, y: number, init: MouseEventInit): void {
    const { time } = this;
    const last = this.#last;
    const near = last !== null && Math.hypot(x - last.x, y - last.y) < CLICK_SLACK;
    const again = near && time - last.time < CLICK_MS && last.clicks === 1;
    this.#last = { x, y, time, clicks: again ? 2 : 1 };
    this.#dispatch(new MouseEvent('click', { ...init, detail: again ? 2 : 1, cancelable: true }));
    if (again) this.#dispatch(new MouseEvent('dblclick', { ...init, detail: 2, cancelable: true }));
  }

  #dispatch(event: Event): void {
    Object.defineProperty(event, 'timeStamp', { value: this.time });
    if (event instanceof MouseEvent) Object.defineProperty(event, 'view', { value: window });
    this.element.dispatchEvent(event);
  }
}
