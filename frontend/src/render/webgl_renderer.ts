// SPDX-License-Identifier: Apache-2.0
/** Draws frames with WebGL2: tiles of all scenes, then their points. */

import { GridPass } from './gl/grid_pass';
import { IconTextures } from './gl/icon_textures';
import type { MotionPass } from './gl/moving_icons_pass';
import type { PanBuffer } from './gl/pan_buffer';
import type { PointsPass } from './gl/points_pass';
import type { Frame, Renderer, WeightedScene } from './scene';

export class WebglRenderer implements Renderer {
  readonly #grid: GridPass;
  readonly #textures: IconTextures;
  #points: PointsPass | null = null;
  #motion: MotionPass | null = null;
  #pan: PanBuffer | null = null;

  constructor(private readonly gl: WebGL2RenderingContext) {
    gl.enable(gl.BLEND);
    this.#textures = new IconTextures(gl);
    this.#grid = new GridPass(gl, this.#textures);
  }

  /** Points come after the first map, with code of their own. */
  addPoints(create: (gl: WebGL2RenderingContext) => PointsPass): void {
    this.#points = create(this.gl);
  }

  /** So do tiles on their way from step to step. */
  addMotion(create: (gl: WebGL2RenderingContext, textures: IconTextures) => MotionPass): void {
    this.#motion = create(this.gl, this.#textures);
  }

  /** And what spares drawing where the map is only pushed about. */
  addPan(create: (gl: WebGL2RenderingContext, paint: (frame: Frame) => void) => PanBuffer): void {
    this.#pan = create(this.gl, (frame) => this.#paint(frame));
  }

  draw(frame: Frame): void {
    if (this.gl.isContextLost() || this.#pan?.show(frame)) return;
    this.#paint(frame);
  }

  #paint(frame: Frame): void {
    const { gl } = this;
    const twice = 2 * (frame.margin ?? 0);
    gl.viewport(0, 0, gl.drawingBufferWidth + twice, gl.drawingBufferHeight + twice);
    gl.disable(gl.SCISSOR_TEST);
    const [red, green, blue] = frame.ground;
    gl.clearColor(red / 255, green / 255, blue / 255, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    let sum = 0;
    for (const scene of frame.scenes) {
      this.#clip(scene, frame);
      sum += scene.weight;
      if (!scene.scene.tiles) continue;
      if (scene.motion && this.#motion) this.#motion.draw(scene, frame);
      else this.#grid.draw(scene.clip ? scene : { ...scene, weight: scene.weight / sum }, frame);
    }
    for (const scene of frame.scenes) {
      this.#clip(scene, frame);
      this.#points?.draw(scene, frame);
    }
    for (const pass of [this.#grid, this.#points, this.#motion]) pass?.prune(frame.scenes);
    this.#textures.prune(new Set(frame.scenes.flatMap(({ scene }) => scene.pages)));
  }

  #clip({ clip }: WeightedScene, { ratio }: Frame): void {
    const { gl } = this;
    if (clip === undefined) return;
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(clip[0] * ratio, 0, (clip[1] - clip[0]) * ratio, gl.drawingBufferHeight);
  }
}
