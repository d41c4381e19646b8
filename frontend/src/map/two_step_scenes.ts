// SPDX-License-Identifier: Apache-2.0
/** Decides how two steps are shown together: icons in motion, side by side, or cross-faded. */

import type { Viewport } from '../domain/camera';
import type { IconTextures } from '../render/gl/icon_textures';
import { MotionPass } from '../render/gl/moving_icons_pass';
import type { Scene, WeightedScene } from '../render/scene';
import { dividerAt } from '../state/comparison_actions';
import { referenceOf } from '../state/reference_step';
import type { State } from '../state/store';
import { type Atlas, type Level, levelOf } from '../wire/atlas';
import type { Faded } from './cross_fade';
import { IconMotion } from './icon_motion';

/** The scene of a level, or null while its icons are on their way. */
export type SceneOf = (atlas: Atlas, level: Level) => Scene | null;

export class TwoStepScenes {
  /** Whether something that belongs on screen is on its way. */
  waiting = false;
  readonly #motion = new IconMotion();

  createPass(gl: WebGL2RenderingContext, textures: IconTextures): MotionPass {
    return new MotionPass(gl, textures);
  }

  /** Scenes to draw, or null for the plain crossfade. The last scene is in front. */
  arrange(
    items: readonly Faded<Scene>[],
    state: State,
    viewport: Viewport,
    sceneOf: SceneOf,
  ): readonly WeightedScene[] | null {
    this.waiting = false;
    const current = items.at(-1)?.item;
    if (current === undefined) return null;
    const swipes = state.compareMode === 'swipe';
    if (state.compare !== null && (state.flipped || swipes)) {
      const other = this.#counterpart(current, state, sceneOf);
      if (other === null) return null;
      if (state.flipped) return [{ scene: other, weight: 1 }];
      return split(other, current, dividerAt(state, viewport), viewport.width);
    }
    const [older, newer, more] = items;
    if (!state.motion || !older || !newer || more) return null;
    return this.#motion.interpolate(older, newer);
  }

  /** A's scene of the level that is on screen. */
  #counterpart({ level }: Scene, state: State, sceneOf: SceneOf): Scene | null {
    const other = referenceOf(state);
    const same = levelOf(other, level.size);
    if (!other || !same) return null;
    const scene = sceneOf(other, same);
    this.waiting = scene === null;
    return scene;
  }
}

function split(left: Scene, right: Scene, at: number, width: number): readonly WeightedScene[] {
  return [
    { scene: left, weight: 1, clip: [0, at] },
    { scene: right, weight: 1, clip: [at, width] },
  ];
}
