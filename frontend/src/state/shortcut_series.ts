// SPDX-License-Identifier: Apache-2.0
/** Finds the shortcut search of the shown layer. */

import { findOtherLayout } from '../domain/series/relayout_runs';
import type { SeriesEntry } from '../wire/manifest';
import type { Session } from './session';
import type { State } from './store';

/** The series that keeps the searches of the shown layer: its own, or that of its other layout. */
export function shortcutSeriesOf({ runs, run, series }: State): SeriesEntry | null {
  if (series?.shortcuts.length) return series;
  const other = run && findOtherLayout(runs, run);
  const same = other?.series.find(({ layer }) => layer === series?.layer);
  return same?.shortcuts.length ? same : null;
}

/** The list opens only where there is something to list. */
export function toggleShortcuts({ store }: Session): void {
  const { shortcut } = store.state;
  if (shortcut !== '') store.set({ shortcut: '' });
  else if (shortcutSeriesOf(store.state) !== null) store.set({ shortcut: 'all' });
}
