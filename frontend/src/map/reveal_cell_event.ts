// SPDX-License-Identifier: Apache-2.0
/** How a list asks for a cell of another layer: on the map's element, for the pane that shows it to answer. */

import type { CellPlace } from '../domain/view';

export const REVEAL = 'reveal-cell';

export interface Reveal {
  readonly series: string;
  readonly step: number;
  readonly place: CellPlace;
}

/** Asks for it; returns whether a pane has answered. */
export function requestCell(map: EventTarget, detail: Reveal): boolean {
  return !map.dispatchEvent(new CustomEvent(REVEAL, { detail, cancelable: true }));
}
