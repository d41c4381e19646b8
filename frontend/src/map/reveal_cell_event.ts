// SPDX-License-Identifier: Apache-2.0
/** Event by which a list requests a cell of another layer; the pane that shows the layer handles it. */

import type { CellPlace } from '../domain/display_types';

export const REVEAL = 'reveal-cell';

export interface Reveal {
  readonly series: string;
  readonly step: number;
  readonly place: CellPlace;
}

/** Dispatches the event; returns whether a pane handled it. */
export function requestCell(map: EventTarget, detail: Reveal): boolean {
  return !map.dispatchEvent(new CustomEvent(REVEAL, { detail, cancelable: true }));
}
