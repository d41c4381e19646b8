// SPDX-License-Identifier: Apache-2.0
/** Icon pages as textures, shared by the passes that draw tiles. */

import type { IconPage } from '../../domain/icon_sprites';
import { createBlankTexture, createPictureTexture } from './textures';

/** Textures of pages drawn lately; older ones go when their bytes exceed this. */
const BUDGET_BYTES = 192 << 20;
const MIPMAP_BYTES_PER_PIXEL = 5.4;

interface IconTexture {
  readonly texture: WebGLTexture;
  readonly bytes: number;
}

export class IconTextures {
  /** Least recently drawn first. */
  readonly #textures = new Map<ImageBitmap, IconTexture>();

  #blank: WebGLTexture | null = null;

  constructor(private readonly gl: WebGL2RenderingContext) {}

  /** The texture of a page, or one pixel for none. */
  textureOf(picture: ImageBitmap | null): WebGLTexture {
    if (picture === null) {
      this.#blank ??= createBlankTexture(this.gl);
      return this.#blank;
    }
    let cached = this.#textures.get(picture);
    if (cached === undefined) {
      const bytes = picture.width * picture.height * MIPMAP_BYTES_PER_PIXEL;
      cached = { texture: createPictureTexture(this.gl, picture), bytes };
    }
    this.#textures.delete(picture);
    this.#textures.set(picture, cached);
    return cached.texture;
  }

  /** Frees the pages beyond the budget, but none that has just been drawn. */
  prune(drawn: ReadonlySet<IconPage>): void {
    let total = [...this.#textures.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [picture, { texture, bytes }] of this.#textures) {
      if (total <= BUDGET_BYTES) return;
      if (drawn.has(picture)) continue;
      this.gl.deleteTexture(texture);
      this.#textures.delete(picture);
      total -= bytes;
    }
  }
}
