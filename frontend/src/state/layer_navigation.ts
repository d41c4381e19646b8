// SPDX-License-Identifier: Apache-2.0
/** Moves to a later or earlier layer of the run. */

import { layerBeside } from '../domain/series/series_lookup';
import type { Session } from './session';

/** Shows the layer that is `by` places later, or earlier if negative, in the order of names. */
export function showLayer(session: Session, by: number): void {
  const { run, series } = session.store.state;
  const next = run && series && layerBeside(run, series, by);
  if (next) session.chooseSeries(next.id);
}
