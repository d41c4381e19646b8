// SPDX-License-Identifier: Apache-2.0
/** Draws frames without WebGL2: tiles and points on a 2-D canvas, slower and without blended fades. */

import { toScreen, worldSide } from '../camera';
import {
  type Frame,
  iconPlace,
  iconScales,
  pointSize,
  type Renderer,
  rimWidth,
  type Scene,
} from './scene';

export class CanvasRenderer implements Renderer {
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly context: CanvasRenderingContext2D,
  ) {}

  draw(frame: Frame): void {
    const { context, canvas } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
    for (const { scene, weight } of frame.scenes) {
      context.globalAlpha = weight;
      if (scene.tiles) this.#drawTiles(scene, frame);
      this.#drawPoints(scene, frame);
    }
    context.globalAlpha = 1;
  }

  #drawTiles({ level, pages, cellColours }: Scene, frame: Frame): void {
    const { context } = this;
    const { camera, viewport } = frame;
    const cellSide = worldSide(camera, viewport) / level.size;
    const origin = toScreen(camera, viewport, { x: 0, y: 0 });
    const scales = iconScales(level);
    const rim = rimWidth(cellSide);
    for (let cell = 0; cell < level.rows.length; cell++) {
      const side = cellSide * (scales[cell] as number);
      const x = origin.x + ((level.cols[cell] as number) + 0.5) * cellSide - side / 2;
      const y = origin.y + ((level.rows[cell] as number) + 0.5) * cellSide - side / 2;
      if (x > viewport.width || y > viewport.height || x + side < 0 || y + side < 0) continue;
      const place = iconPlace(level, cell);
      const picture = place && pages[place.page];
      if (place && picture) {
        context.drawImage(picture, place.x, place.y, place.side, place.side, x, y, side, side);
      } else {
        context.fillStyle = `rgb(${frame.neutral.join()})`;
        context.fillRect(x, y, side, side);
      }
      if (cellColours === null || cellColours[4 * cell + 3] === 0) continue;
      context.strokeStyle = `rgb(${cellColours.subarray(4 * cell, 4 * cell + 3).join()})`;
      context.lineWidth = rim;
      context.strokeRect(x + rim / 2, y + rim / 2, side - rim, side - rim);
    }
  }

  #drawPoints({ atlas, pointColours }: Scene, { camera, viewport }: Frame): void {
    if (pointColours === null) return;
    const { context } = this;
    const radius = pointSize(camera) / 2;
    for (let index = 0; index < atlas.count; index++) {
      const [red, green, blue, alpha = 0] = pointColours.subarray(4 * index, 4 * index + 4);
      if (alpha === 0) continue;
      const place = toScreen(camera, viewport, {
        x: atlas.xy[2 * index] as number,
        y: atlas.xy[2 * index + 1] as number,
      });
      context.fillStyle = `rgba(${red},${green},${blue},${alpha / 255})`;
      context.beginPath();
      context.arc(place.x, place.y, radius, 0, 2 * Math.PI);
      context.fill();
    }
  }
}
