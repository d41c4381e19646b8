// SPDX-License-Identifier: Apache-2.0
/** Draws frames without WebGL2: tiles and points on a 2-D canvas, slower and without blended fades. */

import { toScreen, worldSide } from '../domain/camera';
import { iconPlace } from '../domain/icon_sprites';
import { cssColor } from '../util/css_color';
import {
  type ColoredPoints,
  type Frame,
  iconScales,
  type Motion,
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
    for (const { scene, weight, motion, clip, more = [] } of frame.scenes) {
      context.save();
      context.globalAlpha = weight;
      if (clip) {
        context.beginPath();
        context.rect(clip[0], 0, clip[1] - clip[0], frame.viewport.height);
        context.clip();
      }
      if (scene.tiles) this.#drawTiles(scene, frame, motion);
      for (const points of more) this.#drawPoints(points, frame, points.atlas.xy);
      this.#drawPoints(scene, frame, motion?.points ?? scene.atlas.xy);
      context.restore();
    }
  }

  #drawTiles({ level, pages, cellColors }: Scene, frame: Frame, motion?: Motion): void {
    const { context } = this;
    const { camera, viewport } = frame;
    const cellSide = worldSide(camera, viewport) / level.size;
    const origin = toScreen(camera, viewport, { x: 0, y: 0 });
    const scales = iconScales(level);
    const rim = rimWidth(cellSide);
    for (let cell = 0; cell < level.rows.length; cell++) {
      const side = cellSide * (scales[cell] as number);
      const [right, down] = displacementOf(motion, cell);
      const x =
        origin.x + ((level.cols[cell] as number) + 0.5 + right * level.size) * cellSide - side / 2;
      const y =
        origin.y + ((level.rows[cell] as number) + 0.5 + down * level.size) * cellSide - side / 2;
      if (x > viewport.width || y > viewport.height || x + side < 0 || y + side < 0) continue;
      const place = iconPlace(level, cell);
      const picture = place && pages[place.page];
      if (place && picture) {
        context.drawImage(picture, place.x, place.y, place.side, place.side, x, y, side, side);
      } else {
        context.fillStyle = cssColor(frame.neutral);
        context.fillRect(x, y, side, side);
        if (picture === null && level.entry.tile !== null) this.#hatch(x, y, side);
      }
      if (cellColors === null || cellColors[4 * cell + 3] === 0) continue;
      context.strokeStyle = cssColor(cellColors.subarray(4 * cell, 4 * cell + 3));
      context.lineWidth = rim;
      context.strokeRect(x + rim / 2, y + rim / 2, side - rim, side - rim);
    }
  }

  /** Marks a tile without an icon where others of the level have one. */
  #hatch(x: number, y: number, side: number): void {
    this.context.fillStyle = 'rgba(0,0,0,.3)';
    for (let at = 4; at < side; at += 8) this.context.fillRect(x, y + at, side, 1.5);
  }

  #drawPoints(
    { atlas, pointColors }: ColoredPoints,
    { camera, viewport }: Frame,
    places: Float32Array,
  ): void {
    if (pointColors === null) return;
    const { context } = this;
    const radius = pointSize(camera) / 2;
    for (let index = 0; index < atlas.count; index++) {
      const [red, green, blue, alpha = 0] = pointColors.subarray(4 * index, 4 * index + 4);
      if (alpha === 0) continue;
      const place = toScreen(camera, viewport, {
        x: places[2 * index] as number,
        y: places[2 * index + 1] as number,
      });
      context.fillStyle = `rgba(${red},${green},${blue},${alpha / 255})`;
      context.beginPath();
      context.arc(place.x, place.y, radius, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

/** How far a tile is from its place just now, in map units. */
function displacementOf(motion: Motion | undefined, cell: number): readonly [number, number] {
  if (motion === undefined) return [0, 0];
  const { displacements, share } = motion;
  return [
    share * (displacements[2 * cell] as number),
    share * (displacements[2 * cell + 1] as number),
  ];
}
