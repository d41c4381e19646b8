// SPDX-License-Identifier: Apache-2.0
/** Selections that a person keeps: in this browser, under the address of this TensorBoard. */

import type { Selection } from '../domain/selection';
import { shorten } from '../util/format';
import { asNumber, Fields, WireError } from '../wire/json_reader';
import { MAX_SAMPLES } from '../wire/manifest';
import type { Session } from './session';

const KEY = 'atlas.selections';
const VERSION = 1;
export const MOST_SAVED = 50;
export const LONGEST_NAME = 60;
/** Browsers grant some five million characters to all of TensorBoard together. */
const MOST_TEXT = 2_000_000;
const MOST_UINT32 = 2 ** 32 - 1;

/** What is kept, as far as it can be believed: whatever shares the address may have written it. */
export function readSavedSelections(): Selection[] {
  try {
    const text = localStorage.getItem(KEY) ?? '';
    if (text === '' || text.length > MOST_TEXT) return [];
    const kept = new Fields(JSON.parse(text), 'kept');
    kept.whole('version', VERSION, VERSION);
    return kept.list('selections', MOST_SAVED, readSelection).filter((one) => one !== null);
  } catch {
    return [];
  }
}

/** Replaces what is kept; says why that cannot be, as a sentence, or null. */
export function writeSavedSelections(list: readonly Selection[]): string | null {
  if (list.length > MOST_SAVED) return `No more than ${MOST_SAVED} selections are kept.`;
  const selections = list.map((one) => ({ ...one, rows: [...one.rows] }));
  const text = JSON.stringify({ version: VERSION, selections });
  if (text.length > MOST_TEXT) return 'It is too large to be kept here. Export it instead.';
  try {
    localStorage.setItem(KEY, text);
    return null;
  } catch {
    return 'This browser keeps nothing for this page. Export it instead.';
  }
}

/** A name on one line, told from those of the others. */
export function freeName(wanted: string, others: readonly Selection[]): string {
  const name = shorten(wanted, LONGEST_NAME).trim() || 'Selection';
  const taken = new Set(others.map((one) => one.name));
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name} (${number})`;
  return free;
}

/** One that is broken is left out, not all of them. */
function readSelection(item: unknown, where: string): Selection | null {
  try {
    const one = new Fields(item, where);
    const of = one.whole('of', 1, MAX_SAMPLES);
    const rows = Int32Array.from(one.list('rows', of, asNumber));
    const rising = rows.every((row, i) => row < of && row > (rows[i - 1] ?? -1));
    if (rows.length === 0 || !rising) return null;
    return {
      name: shorten(one.text('name'), LONGEST_NAME + 6) || 'Selection',
      layer: one.text('layer'),
      step: one.whole('step', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
      probe: one.text('probe'),
      of,
      mark: one.whole('mark', 0, MOST_UINT32),
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
