// SPDX-License-Identifier: Apache-2.0
/** Comparison with another step or run, and other panes. */

import type { CompareMode, DriftQuantity } from '../../domain/display_types';
import type { Failure } from '../../wire/api';
import type { Atlas } from '../../wire/atlas';

export interface CompareState {
  /** The step A that the shown step B is compared with. */
  readonly compare: number | null;
  /** Layer and run of A, as text of the URL; empty if both are those of B. */
  readonly compareIn: string;
  readonly compareMode: CompareMode;
  /** While blinking: A is on screen, not B. */
  readonly flipped: boolean;
  /** While swiping: the share of the map's width that shows A. */
  readonly divider: number;
  /** The other panes, as text of the URL; empty if there are none. */
  readonly panes: string;
  /** The atlas that moves are measured from: A, or the step before; it may still be of another step. */
  readonly other: Atlas | null;
  readonly otherFailure: Failure | null;
  readonly drift: DriftQuantity | '';
  /** The inspector lists the cells of other layers that hold the same samples. */
  readonly across: boolean;
}

export const INITIAL_COMPARE: CompareState = {
  compare: null,
  compareIn: '',
  compareMode: 'difference',
  flipped: false,
  divider: 0.5,
  panes: '',
  other: null,
  otherFailure: null,
  drift: '',
  across: false,
};
