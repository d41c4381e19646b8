// SPDX-License-Identifier: Apache-2.0
/** Icon pages as textures, shared by the passes that draw tiles. */

import { createBlankTexture, createPictureTexture } from './textures';

/** Textures of pages drawn lately; older ones go when their bytes exceed this. */
const BUDGET_BYTES = 192 << 20;
const MIPMAP_BYTES_PER_PIXEL = 5.4;

interface Sheet {
  readonly texture: WebGLTexture;
  readonly bytes: number;
}

export class Sheets {
  /** Least recently drawn first. */
  readonly #sheets = new Map<ImageBitmap, Sheet>();

  #blank: WebGLTexture | null = null;

  constructor(private readonly gl: WebGL2RenderingContext) {}

  /** The texture of a page, or one pixel for none; the active unit may be bound to it on the way. */
  textureOf(picture: ImageBitmap | null): WebGLTexture {
    if (picture === null) {
      this.#blank ??= createBlankTexture(this.gl);
      return this.#blank;
    }
    let sheet = this.#sheets.get(picture);
    if (sheet === undefined) {
      const bytes = picture.width * picture.height * MIPMAP_BYTES_PER_PIXEL;
      sheet = { texture: createPictureTexture(this.gl, picture), bytes };
    }
    this.#sheets.delete(picture);
    this.#sheets.set(picture, sheet);
    return sheet.texture;
  }

  /** Frees the pages beyond the budget, but none that has just been drawn. */
  prune(drawn: ReadonlySet<ImageBitmap | null>): void {
    let total = [...this.#sheets.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [picture, { texture, bytes }] of this.#sheets) {
      if (total <= BUDGET_BYTES) return;
      if (drawn.has(picture)) continue;
      this.gl.deleteTexture(texture);
      this.#sheets.delete(picture);
      total -= bytes;
    }
  }
}
