// SPDX-License-Identifier: Apache-2.0
/** A canvas that shows one rectangle of a picture page, sized by its style. */

import type { Rect } from '../domain/display_types';

const MAX_RATIO = 2;

export interface Crop {
  readonly picture: ImageBitmap;
  readonly rect: Rect;
  /** A box to draw over it, in the picture's pixels. */
  readonly box?: Rect;
  /** A piece of a picture to lay over it, at a place in the picture's pixels. */
  readonly over?: { readonly picture: ImageBitmap; readonly rect: Rect; readonly at: Rect };
  /** Enlarged as squares. */
  readonly crisp?: boolean;
}

export class AtlasCrop extends HTMLElement {
  readonly #canvas = document.createElement('canvas');
  #crop: Crop | null = null;

  set crop(crop: Crop | null) {
    const old = this.#crop;
    this.#crop = crop;
    const same = old?.picture === crop?.picture && old?.over?.picture === crop?.over?.picture;
    const there = sameRect(old?.rect, crop?.rect) && sameRect(old?.over?.rect, crop?.over?.rect);
    if (!same || !there) this.#draw();
  }

  connectedCallback(): void {
    if (this.childElementCount > 0) return;
    this.append(this.#canvas);
    new ResizeObserver(() => this.#draw()).observe(this);
  }

  /** Fits the rectangle into the element, whole and centerd. */
  #draw(): void {
    const { clientWidth: width, clientHeight: height } = this;
    if (width === 0 || height === 0) return;
    const ratio = Math.min(MAX_RATIO, devicePixelRatio || 1);
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    const context = this.#canvas.getContext('2d');
    const crop = this.#crop;
    if (context === null || crop === null) return;
    const { picture, rect, box, over } = crop;
    const scale = Math.min(this.#canvas.width / rect.width, this.#canvas.height / rect.height);
    const left = (this.#canvas.width - scale * rect.width) / 2;
    const top = (this.#canvas.height - scale * rect.height) / 2;
    context.imageSmoothingQuality = 'high';
    context.imageSmoothingEnabled = crop.crisp !== true || scale < 1;
    context.setTransform(scale, 0, 0, scale, left - scale * rect.x, top - scale * rect.y);
    lay(context, picture, rect, rect);
    if (over) lay(context, over.picture, over.rect, over.at);
    if (box === undefined) return;
    for (const [color, pixels] of [
      ['#000', 4],
      ['#fff', 2],
    ] as const) {
      context.strokeStyle = color;
      context.lineWidth = (pixels * ratio) / scale / 1.5;
      context.strokeRect(box.x, box.y, box.width, box.height);
    }
  }
}

function lay(context: CanvasRenderingContext2D, picture: ImageBitmap, from: Rect, to: Rect): void {
  const { x, y, width, height } = from;
  context.drawImage(picture, x, y, width, height, to.x, to.y, to.width, to.height);
}

function sameRect(a: Rect | undefined, b: Rect | undefined): boolean {
  return (
    a === b || (a?.x === b?.x && a?.y === b?.y && a?.width === b?.width && a?.height === b?.height)
  );
}

customElements.define('atlas-crop', AtlasCrop);
