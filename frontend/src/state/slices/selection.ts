// SPDX-License-Identifier: Apache-2.0
/** Which cells and samples are pointed at, pinned, selected, highlighted or filtered. */

import type { Selection } from '../../domain/selection';
import type { CellPlace, Highlight } from '../../domain/view';

export interface SelectionState {
  readonly hover: CellPlace | null;
  readonly pinned: CellPlace | null;
  /** Pinned cells as they stand in the address. */
  readonly pins: string;
  readonly highlight: Highlight | null;
  /** The image or concept that is lit, as it stands in the address: `image:17`. */
  readonly highlightText: string;
  /** What a drag, or the arrows, now do besides moving: select. */
  readonly tool: '' | 'lasso' | 'block';
  readonly selection: Selection | null;
  /** The class filter as it stands in the address: `top:3,7`, `toward:3`, or nothing. */
  readonly filter: string;
  /** `helps`, `hurts` or `both`; nothing is the first. */
  readonly sign: string;
}

export const INITIAL_SELECTION: SelectionState = {
  hover: null,
  pinned: null,
  pins: '',
  highlight: null,
  highlightText: '',
  tool: '',
  selection: null,
  filter: '',
  sign: '',
};
