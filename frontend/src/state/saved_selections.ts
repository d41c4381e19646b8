// SPDX-License-Identifier: Apache-2.0
/** Selections saved in this browser for the address of this TensorBoard. */

import type { Selection } from '../domain/selection';
import { shorten } from '../util/format';
import { MAX_SAMPLES } from '../wire/generated/limits';
import { choice, integer, list, number, object, text, WireError } from '../wire/json_checks';
import type { Session } from './session';

const KEY = 'atlas.selections';
const VERSION = 1;
export const MOST_SAVED = 50;
export const LONGEST_NAME = 60;
/** Browsers grant some five million characters to all of TensorBoard together. */
const MOST_TEXT = 2_000_000;
const MOST_UINT32 = 2 ** 32 - 1;

type StoredSelection = Omit<Selection, 'rows'> & { readonly rows: readonly number[] };
interface Stored {
  readonly version: number;
  readonly selections: readonly unknown[];
}

const checkStored = object<Stored>({
  version: choice(VERSION),
  selections: list(() => {}, MOST_SAVED),
});
const checkSelection = object<StoredSelection>({
  name: text(),
  layer: text(),
  step: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  probe: text(),
  of: integer(1, MAX_SAMPLES),
  mark: integer(0, MOST_UINT32),
  rows: list(number(), MAX_SAMPLES),
});

/** Saved selections, validated, since other pages of the same origin may have written them. */
export function readSavedSelections(): Selection[] {
  try {
    const json = localStorage.getItem(KEY) ?? '';
    if (json === '' || json.length > MOST_TEXT) return [];
    const stored = JSON.parse(json);
    checkStored(stored, 'selections');
    return (stored as Stored).selections.map(readSelection).filter((one) => one !== null);
  } catch {
    return [];
  }
}

/** Replaces the saved selections; returns why that failed, or null. */
export function writeSavedSelections(list: readonly Selection[]): string | null {
  if (list.length > MOST_SAVED) return `At most ${MOST_SAVED} selections can be saved.`;
  const selections = list.map((one) => ({ ...one, rows: [...one.rows] }));
  const text = JSON.stringify({ version: VERSION, selections });
  if (text.length > MOST_TEXT) return 'It is too large to save. Export it instead.';
  try {
    localStorage.setItem(KEY, text);
    return null;
  } catch {
    return 'This browser stores nothing for this page. Export it instead.';
  }
}

/** A name on one line that differs from the others. */
export function freeName(wanted: string, others: readonly Selection[]): string {
  const name = shorten(wanted, LONGEST_NAME).trim() || 'Selection';
  const taken = new Set(others.map((one) => one.name));
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name} (${number})`;
  return free;
}

/** One that is broken is left out, not all of them. */
function readSelection(item: unknown, index: number): Selection | null {
  try {
    checkSelection(item, `selections[${index}]`);
    const { name, layer, step, probe, of, mark, rows: listed } = item as StoredSelection;
    const rows = Int32Array.from(listed);
    const rising = rows.every((row, i) => row < of && row > (rows[i - 1] ?? -1));
    if (rows.length === 0 || !rising) return null;
    return {
      name: shorten(name, LONGEST_NAME + 6) || 'Selection',
      layer,
      step,
      probe,
      of,
      mark,
      rows,
    };
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}

/** Shows a saved selection, on its own layer if the run has that. */
export function showSavedSelection(session: Session, selection: Selection): void {
  const { run, series } = session.store.state;
  const own = run?.series.find(({ layer }) => layer === selection.layer);
  if (own && series?.layer !== selection.layer) session.chooseSeries(own.id);
  session.store.set({
    selection,
    selectionList: 'shown',
    table: false,
    said: `Selected: ${selection.name}`,
  });
}
