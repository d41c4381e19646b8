// SPDX-License-Identifier: Apache-2.0
/** How the map is shown: camera, grid, colors, renderer. */

import type { Camera } from '../../domain/camera';
import { type Extent, FIT } from '../../domain/camera';
import type { CanvasTheme, ColorMode, ShowMode } from '../../domain/display_types';

export interface ViewState {
  readonly level: number | 'auto';
  /** Grid size on the map now. */
  readonly shownLevel: number | null;
  readonly camera: Camera;
  /** The camera that shows the whole map. */
  readonly extent: Extent;
  readonly color: ColorMode;
  readonly show: ShowMode;
  /** Borders and names of concepts; empty: while cells are colored by concept. */
  readonly outlines: '' | 'on' | 'off';
  /** Icons move from step to step; otherwise they fade where they are. */
  readonly motion: boolean;
  readonly playing: boolean;
  /** How many samples of the view are points on the map, in words; nothing: only those of the atlas. */
  readonly inView: string;
  readonly dark: boolean;
  /** The inks that the reader's system forces on the map, if it does. */
  readonly forced: CanvasTheme | null;
  /** Everything requested is on screen and nothing moves. */
  readonly settled: boolean;
  /** `lost`: the browser has taken the graphics away and not given them back. */
  readonly renderer: 'webgl' | 'canvas' | 'none' | 'lost';
}

export const INITIAL_VIEW: ViewState = {
  level: 'auto',
  shownLevel: null,
  camera: FIT,
  extent: { across: 1, down: 1 },
  color: 'icons',
  show: 'icons',
  outlines: '',
  motion: true,
  playing: false,
  inView: '',
  dark: false,
  forced: null,
  settled: false,
  renderer: 'webgl',
};

type Outlined = Pick<ViewState, 'outlines' | 'color'>;

/** Whether borders and names of concepts are on the map. */
export function showsOutlines({ outlines, color }: Outlined): boolean {
  return outlines === '' ? color === 'concept' : outlines === 'on';
}
