// SPDX-License-Identifier: Apache-2.0
/** Pinned cells, parsed from untrusted text of the URL. */

import { type CellPlace, samePlace } from '../domain/display_types';
import { count } from '../util/format';
import { MAX_GRID_SIZE } from '../wire/generated/limits';
import { notify } from './notify';
import type { Session } from './session';
import type { Store } from './store';

export interface Pin extends CellPlace {
  readonly step: number;
  /** Id of the series, which defines run and layer. */
  readonly series: string;
}

/** Maximum number that fits into a URL. */
export const MOST_PINS = 16;

const PIN = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(-?\d{1,16})\.(s[0-9a-f]{1,16})$/;

/** Reads `10.4.5.3200.s…,…`: size, row, column, step, series. Skips text that is not a pin. */
export function readPins(text: string): Pin[] {
  const pins: Pin[] = [];
  for (const part of text.slice(0, 1000).split(',')) {
    const [found, ...numbers] = PIN.exec(part) ?? [];
    const [size = 0, row = 0, col = 0, step = 0] = numbers.slice(0, 4).map(Number);
    const sound = size > 0 && size <= MAX_GRID_SIZE && row < size && col < size;
    if (found === undefined || !sound || !Number.isSafeInteger(step)) continue;
    const pin = { size, row, col, step, series: numbers[4] ?? '' };
    if (pins.length < MOST_PINS && !pins.some((one) => samePin(one, pin))) pins.push(pin);
  }
  return pins;
}

export function writePins(pins: readonly Pin[]): string {
  return pins
    .map(({ size, row, col, step, series }) => [size, row, col, step, series].join('.'))
    .join();
}

export function samePin(a: Pin, b: Pin): boolean {
  return samePlace(a, b) && a.step === b.step && a.series === b.series;
}

/** Adds a cell of the shown atlas to the pins, or takes it away again. */
export function keepPin({ store }: Session, place: CellPlace | null): void {
  const { atlas, pins: text } = store.state;
  if (place === null || atlas === null) return;
  const { size, row, col } = place;
  const pin = { size, row, col, step: atlas.step, series: atlas.series };
  const pins = readPins(text);
  const others = pins.filter((one) => !samePin(one, pin));
  const where = `row ${row + 1}, column ${col + 1}`;
  if (others.length < pins.length)
    store.set({ pins: writePins(others), said: `${where} unpinned` });
  else if (pins.length >= MOST_PINS) store.set({ said: `${MOST_PINS} pins at most` });
  else {
    const said = `${where} added, ${count(pins.length + 1)} of ${MOST_PINS} pins`;
    store.set({ pins: writePins([...pins, pin]), selectionList: 'shown', hover: null, said });
  }
}

/** Shows the cells similar to the pinned one on the map or hides them; pins the cell under the cursor if none is. */
export function toggleSimilar(store: Store): void {
  const { pinned, hover, similar } = store.state;
  if (pinned !== null) store.set({ similar: !similar, highlight: null });
  else if (hover !== null)
    store.set({ pinned: hover, hover: null, similar: true, highlight: null });
  else notify(store, 'Pin a cell to see similar ones.');
}
