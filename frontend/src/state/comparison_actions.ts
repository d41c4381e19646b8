// SPDX-License-Identifier: Apache-2.0
/** User actions on the comparison of steps A and B, where B is the shown step. */

import type { Viewport } from '../domain/camera';
import { findSideA, type Side, writeSide } from '../domain/comparison/compared_series';
import { findStep } from '../domain/series/series_lookup';
import { stepBefore } from './reference_step';
import type { Session } from './session';
import type { State } from './store';

/** The divider keeps this far from the edges, as the thumb of its slider does, in CSS pixels. */
const DIVIDER_INSET = 12;

/** Opens the comparison with the step before, or closes it. */
export function toggleCompare(session: Session): void {
  const { compare, series, step } = session.store.state;
  const first = series?.steps.find((one) => one !== step) ?? null;
  const other = compare === null ? (stepBefore(session.store.state) ?? first) : null;
  chooseA(session, other);
}

/** Compares with a step of the shown run and layer, or of those that `compareIn` names. */
export function chooseA(session: Session, step: number | null, compareIn = ''): void {
  session.store.set({ compare: step, compareIn, flipped: false, missing: {} });
}

/** Compares with the step nearest to A of another run or layer. */
export function chooseSide(session: Session, side: Side): void {
  const { compare, series } = session.store.state;
  const step = findStep(side.series.steps, compare);
  chooseA(session, step, side.series.id === series?.id ? '' : writeSide(side));
}

/** A becomes B and B becomes A. */
export function swapSides(session: Session): void {
  const { state } = session.store;
  const { compare, compareIn, run, series, step } = state;
  if (compare === null) return;
  const look = { compare: step, flipped: false };
  if (compareIn === '') {
    session.store.set(look);
    session.chooseStep(compare);
    return;
  }
  const side = findSideA(state);
  if (side === null || run === null || series === null) return;
  const swapped = { ...look, compareIn: writeSide({ run, series }) };
  session.open(side.run, side.series, compare, swapped);
}

/** Puts A on screen in the place of B, or B back. */
export function showA(session: Session, flipped: boolean): void {
  if (session.store.state.compare !== null) session.store.set({ flipped });
}

/** Where the divider stands, in CSS pixels from the left of the map. */
export function dividerAt({ divider }: State, { width }: Viewport): number {
  return DIVIDER_INSET + divider * (width - 2 * DIVIDER_INSET);
}

/** The change between two steps that is announced, if any. */
export function announcedChange({
  compare,
  compareMode,
  drift,
}: State): 'difference' | State['drift'] {
  if (compare !== null && compareMode === 'difference') return 'difference';
  return drift;
}
