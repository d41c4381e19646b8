// SPDX-License-Identifier: Apache-2.0
/** Which cells and samples are hovered, pinned, selected, highlighted or filtered. */

import type { CellPlace, Highlight } from '../../domain/display_types';
import type { Selection } from '../../domain/selection';

export interface SelectionState {
  readonly hover: CellPlace | null;
  readonly pinned: CellPlace | null;
  /** Pinned cells, as text of the URL. */
  readonly pins: string;
  /** The cells most similar to the pinned one are on the map. */
  readonly similar: boolean;
  readonly highlight: Highlight | null;
  /** The highlighted image or concept, as text of the URL: `image:17`. */
  readonly highlightText: string;
  /** The active selection tool, for drags or arrow keys. */
  readonly tool: '' | 'lasso' | 'block';
  readonly selection: Selection | null;
  /** The class filter, as text of the URL: `top:3,7`, `toward:3`, or empty. */
  readonly filter: string;
  /** `helps`, `hurts` or `both`; nothing is the first. */
  readonly sign: string;
}

export const INITIAL_SELECTION: SelectionState = {
  hover: null,
  pinned: null,
  pins: '',
  similar: false,
  highlight: null,
  highlightText: '',
  tool: '',
  selection: null,
  filter: '',
  sign: '',
};
