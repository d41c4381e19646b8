// SPDX-License-Identifier: Apache-2.0
/** Draws frames with WebGL2: tiles of all scenes, then their points. */

import { GridPass } from '../gl/grid_pass';
import type { PointsPass } from '../gl/points_pass';
import type { Frame, Renderer } from './scene';

export class WebglRenderer implements Renderer {
  readonly #grid: GridPass;
  #points: PointsPass | null = null;

  constructor(private readonly gl: WebGL2RenderingContext) {
    gl.enable(gl.BLEND);
    this.#grid = new GridPass(gl);
  }

  /** Points come after the first map, with code of their own. */
  addPoints(create: (gl: WebGL2RenderingContext) => PointsPass): void {
    this.#points = create(this.gl);
  }

  draw(frame: Frame): void {
    const { gl } = this;
    if (gl.isContextLost()) return;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    for (const scene of frame.scenes) if (scene.scene.tiles) this.#grid.draw(scene, frame);
    for (const scene of frame.scenes) this.#points?.draw(scene, frame);
    this.#grid.prune(frame.scenes);
    this.#points?.prune(frame.scenes);
  }
}
