// SPDX-License-Identifier: Apache-2.0
/** Switches between the layouts of a run and keeps step, layer, camera, and selection. */

import { membersOf } from '../domain/cell_stats';
import { explainUnpairing } from '../domain/comparison/atlas_pairs';
import type { CellPlace } from '../domain/display_types';
import { findOtherLayout } from '../domain/series/relayout_runs';
import type { Atlas } from '../wire/atlas';
import { cellAt, levelOf } from '../wire/atlas';
import type { RunEntry } from '../wire/manifest';
import type { Session } from './session';
import type { State } from './store';

/** The run that the switch leads to, or null where the shown layer has but one layout. */
export function otherLayout({ runs, run, series }: State): RunEntry | null {
  const other = run && findOtherLayout(runs, run);
  return other?.series.some(({ layer }) => layer === series?.layer) ? other : null;
}

/** Shows the same layer and step in the other layout; what was pinned is where its samples went. */
export async function switchLayout(session: Session): Promise<void> {
  const { store } = session;
  const { atlas, pinned, highlight } = store.state;
  const other = otherLayout(store.state);
  if (other === null) return;
  session.chooseRun(other.id);
  const { series, step } = store.state;
  if (series === null || step === null || atlas === null) return;
  const next = await session.loadAtlas(series, step).catch(() => null);
  const { state } = store;
  if (next === null || state.series !== series || state.step !== step) return;
  if (explainUnpairing(atlas, next) !== null) return;
  store.set({
    pinned: pinned && followCell(atlas, next, pinned),
    highlight: highlight?.of || haveSameConcepts(atlas, next) ? highlight : null,
  });
}

/** The cell of `to` that holds most of the samples of a cell of `from`. */
export function followCell(from: Atlas, to: Atlas, place: CellPlace): CellPlace | null {
  const [old, level] = [from, to].map((atlas) => levelOf(atlas, place.size));
  if (!old || !level) return null;
  const cell = cellAt(old, place.row, place.col);
  if (cell < 0) return place;
  const counts = new Map<number, number>();
  for (const row of membersOf(old, cell)) {
    const now = level.cellOf[row] as number;
    if (now >= 0) counts.set(now, (counts.get(now) ?? 0) + 1);
  }
  const [best] = [...counts].sort((a, b) => b[1] - a[1]);
  if (best === undefined) return null;
  return { size: place.size, row: level.rows[best[0]] ?? 0, col: level.cols[best[0]] ?? 0 };
}

/** Concepts have the same ids only if they were tracked together. */
function haveSameConcepts(a: Atlas, b: Atlas): boolean {
  return a.concepts !== null && (b.concepts?.every((id, row) => id === a.concepts?.[row]) ?? false);
}
