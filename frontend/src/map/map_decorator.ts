// SPDX-License-Identifier: Apache-2.0
/** The `Decorator` of the map: adds points, colors, outlines, and interaction after its first frame. */

import { classAtlasOf } from '../domain/class_atlas';
import { coloring, pointColors } from '../domain/map_colors';
import { PanBuffer } from '../render/gl/pan_buffer';
import { PointsPass } from '../render/gl/points_pass';
import type { Frame, SceneColors } from '../render/scene';
import type { Player } from '../state/player';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import { INSPECTOR_ROOM } from '../ui/card_placement';
import type { Atlas, Level } from '../wire/atlas';
import type { AtlasMap, Decorator } from './atlas_map';
import { Interaction } from './interaction';
import type { OverlayPainter } from './overlay';
import { drawAxis } from './overlays/axis';
import { paintCellFocus } from './overlays/cell_values';
import { PointTiles } from './point_tiles';

export class MapDecorator implements Decorator {
  readonly #interaction: Interaction;
  #overlays: () => readonly OverlayPainter[] = () => [];
  #marks: () => readonly OverlayPainter[] = () => [];
  readonly #cellFocus: OverlayPainter;
  readonly #axis: OverlayPainter;
  readonly tiles: PointTiles;

  constructor(
    private readonly map: AtlasMap,
    private readonly session: Session,
    player: Player,
  ) {
    this.#interaction = new Interaction(map, session, player);
    this.tiles = new PointTiles(map, session);
    this.#cellFocus = (context, frame) => {
      const { color, dark } = session.store.state;
      paintCellFocus(color, dark)(context, frame);
    };
    this.#axis = (context, frame) => {
      const { pinned, compare, compareMode } = session.store.state;
      const { width } = frame.viewport;
      const end = pinned === null ? width : width - INSPECTOR_ROOM;
      // The sides of a swipe have different extents.
      drawAxis(context, frame, end, compare === null || compareMode !== 'swipe');
    };
  }

  color(atlas: Atlas, level: Level, state: State): SceneColors {
    const { color, show, dark } = state;
    const colors = coloring(atlas, level, color, dark);
    return {
      cellColors: colors.cells,
      pointColors: pointColors(atlas, level, colors, show, dark),
    };
  }

  createPoints(gl: WebGL2RenderingContext): PointsPass {
    return new PointsPass(gl);
  }

  createPan(gl: WebGL2RenderingContext, paint: (frame: Frame) => void): PanBuffer {
    return new PanBuffer(gl, paint);
  }

  /** Additional overlays; evaluated before every frame. */
  set overlays(overlays: () => readonly OverlayPainter[]) {
    this.#overlays = overlays;
  }

  /** Marks over everything else, which take no room from labels. */
  set marks(marks: () => readonly OverlayPainter[]) {
    this.#marks = marks;
  }

  /** Returns whether anything was drawn. */
  decorate(context: CanvasRenderingContext2D, ratio: number): boolean {
    const painters = this.#overlays();
    // Other overlays are more important and need the room.
    const plain = painters.length === 0;
    const { scene } = this.map;
    if (scene) this.tiles.follow(scene);
    const axis = scene && classAtlasOf(scene.atlas)?.axis ? [this.#axis] : [];
    const read = plain && this.session.store.state.color !== 'icons' ? [this.#cellFocus] : painters;
    const drawn = [...read, ...axis, ...this.#marks()];
    return this.#interaction.decorate(context, ratio, drawn, plain);
  }
}
