// SPDX-License-Identifier: Apache-2.0
/** Overview of the map that shows the visible part; click it to move there. */

import { html, nothing, type TemplateResult } from 'lit';
import { type Camera, type Point, toWorld, type Viewport } from '../domain/camera';
import type { CanvasTheme } from '../domain/display_types';
import type { AtlasMap } from '../map/atlas_map';
import { themeOf } from '../map/theme';
import type { State } from '../state/store';
import { cssColor } from '../util/css_color';
import type { Level } from '../wire/atlas';

/** Below this zoom the map itself is overview enough. */
const SHOWN_FROM_ZOOM = 1.5;
/** On a stage narrower than this it would be in the way. */
const ROOMY_STAGE = 720;
const MAX_RATIO = 2;

export interface Overview {
  /** The coarsest grid represents the map. */
  readonly level: Level;
  readonly camera: Camera;
  readonly viewport: Viewport;
  readonly theme: CanvasTheme;
}

/** The part of the map in view, clipped to it: corners in map coordinates. */
export function visiblePart(camera: Camera, viewport: Viewport): { from: Point; to: Point } {
  const within = ({ x, y }: Point) => ({
    x: Math.min(1, Math.max(0, x)),
    y: Math.min(1, Math.max(0, y)),
  });
  return {
    from: within(toWorld(camera, viewport, { x: 0, y: 0 })),
    to: within(toWorld(camera, viewport, { x: viewport.width, y: viewport.height })),
  };
}

export function minimap(state: State, map: AtlasMap): TemplateResult | typeof nothing {
  const { atlas, camera } = state;
  const level = atlas?.levels[0];
  const { viewport } = map;
  if (!level || camera.z < SHOWN_FROM_ZOOM || viewport.width < ROOMY_STAGE) return nothing;
  const go = (event: PointerEvent) => {
    if (event.buttons !== 1) return;
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const y = (event.clientY - box.top) / box.height;
    map.moveTo({ x, y, z: state.camera.z });
  };
  return html`<atlas-minimap
    class="panel"
    aria-hidden="true"
    title="Overview of the map; click to move there"
    .overview=${{ level, camera, viewport, theme: themeOf(state) } satisfies Overview}
    @pointerdown=${go}
    @pointermove=${go}
  ></atlas-minimap>`;
}

export class AtlasMinimap extends HTMLElement {
  readonly #canvas = document.createElement('canvas');
  #overview: Overview | null = null;

  set overview(overview: Overview) {
    this.#overview = overview;
    if (this.isConnected) this.#draw();
  }

  connectedCallback(): void {
    if (this.childElementCount === 0) this.append(this.#canvas);
    this.#draw();
  }

  #draw(): void {
    const context = this.#canvas.getContext('2d');
    if (context === null || this.#overview === null) return;
    const { level, camera, viewport, theme } = this.#overview;
    const ratio = Math.min(MAX_RATIO, devicePixelRatio || 1);
    const side = this.clientWidth * ratio;
    this.#canvas.width = side;
    this.#canvas.height = side;
    const cell = side / level.size;
    context.fillStyle = cssColor(theme.neutralTile);
    for (let i = 0; i < level.rows.length; i++) {
      const x = (level.cols[i] as number) * cell;
      const y = (level.rows[i] as number) * cell;
      context.fillRect(x + 1, y + 1, cell - 2, cell - 2);
    }
    const { from, to } = visiblePart(camera, viewport);
    context.strokeStyle = theme.accent;
    context.lineWidth = 2 * ratio;
    context.strokeRect(
      from.x * side + ratio,
      from.y * side + ratio,
      (to.x - from.x) * side - 2 * ratio,
      (to.y - from.y) * side - 2 * ratio,
    );
  }
}

customElements.define('atlas-minimap', AtlasMinimap);
