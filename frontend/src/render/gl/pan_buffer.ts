// SPDX-License-Identifier: Apache-2.0
/**
 * Caches the map with a margin around the view. Panning copies from it instead of rendering, which is many
 * times faster without a GPU. At offsets of whole pixels, the image is identical.
 */

import { toScreen } from '../../domain/camera';
import type { Frame } from '../scene';

/** Device pixels beyond each edge. */
const MARGIN = 256;
const WHOLE = 0.01;

export class PanBuffer {
  readonly #framebuffer: WebGLFramebuffer;
  readonly #texture: WebGLTexture;
  #before: Frame | null = null;
  #held: Frame | null = null;

  constructor(
    private readonly gl: WebGL2RenderingContext,
    private readonly paint: (frame: Frame) => void,
  ) {
    this.#framebuffer = gl.createFramebuffer();
    this.#texture = gl.createTexture();
  }

  /** Shows a frame that is one before it, moved or not; false for all others, seldom wanted twice. */
  show(frame: Frame): boolean {
    const moved = frame.cleared ? null : shiftBetween(this.#before, frame);
    this.#before = frame;
    // It is on the canvas still.
    if (moved?.every((by) => by === 0)) return true;
    const shift = shiftBetween(this.#held, frame);
    if (shift !== null) {
      this.#copy(shift);
      return true;
    }
    this.#held = null;
    if (moved === null) return false;
    this.#fill(frame);
    this.#copy([0, 0]);
    return true;
  }

  #fill(frame: Frame): void {
    const { gl } = this;
    const [width, height] = [gl.drawingBufferWidth, gl.drawingBufferHeight];
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.#texture);
    const [wide, high] = [width + 2 * MARGIN, height + 2 * MARGIN];
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, wide, high, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
    gl.bindFramebuffer(gl.FRAMEBUFFER, this.#framebuffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.#texture, 0);
    this.paint({ ...frame, margin: MARGIN });
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    this.#held = frame;
  }

  #copy([right, down]: readonly [number, number]): void {
    const { gl } = this;
    const [width, height] = [gl.drawingBufferWidth, gl.drawingBufferHeight];
    const [x, y] = [MARGIN - right, MARGIN + down];
    gl.disable(gl.SCISSOR_TEST);
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, this.#framebuffer);
    gl.blitFramebuffer(
      ...([x, y, x + width, y + height, 0, 0, width, height] as const),
      gl.COLOR_BUFFER_BIT,
      gl.NEAREST,
    );
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, null);
  }
}

/** By how many whole device pixels `to` is `from` moved; null where it is more than that, or too far. */
function shiftBetween(from: Frame | null, to: Frame): readonly [number, number] | null {
  if (from === null || !isAlike(from, to)) return null;
  const [a, b] = [from, to].map(({ camera, viewport }) =>
    toScreen(camera, viewport, { x: 0, y: 0 }),
  ) as [Point, Point];
  const shift = [(b.x - a.x) * to.ratio, (b.y - a.y) * to.ratio] as const;
  const [right, down] = [Math.round(shift[0]), Math.round(shift[1])];
  const whole = Math.abs(shift[0] - right) + Math.abs(shift[1] - down) < WHOLE;
  return whole && Math.max(Math.abs(right), Math.abs(down)) <= MARGIN ? [right, down] : null;
}

type Point = ReturnType<typeof toScreen>;

function isAlike(a: Frame, b: Frame): boolean {
  return (
    a.ratio === b.ratio &&
    a.camera.z === b.camera.z &&
    a.viewport.width === b.viewport.width &&
    a.viewport.height === b.viewport.height &&
    a.neutral === b.neutral &&
    a.ground === b.ground &&
    a.scenes.length === b.scenes.length &&
    a.scenes.every((one, i) => {
      const other = b.scenes[i];
      const moved = [one.motion, one.clip, other?.motion, other?.clip].some(Boolean);
      return (
        !moved &&
        one.scene === other?.scene &&
        one.more === other.more &&
        one.weight === other.weight
      );
    })
  );
}
