// SPDX-License-Identifier: Apache-2.0
/** Shows an event: its step, its cell, and its samples. */

import type { Camera } from '../domain/camera';
import { centerOf } from '../domain/cell_stats';
import type { CellPlace } from '../domain/display_types';
import type { RunEvent } from '../wire/series_history';
import type { Session } from './session';
import type { State } from './store';

/** Cells across the view after a jump. */
const CELLS_IN_VIEW = 6;
const LEAST_ZOOM = 1.5;

/** The map, as far as it moves its camera. */
interface CameraTarget {
  flyTo(camera: Camera): void;
}

export type Side = 'before' | 'after';

/** Which side of an event the shown step is, or null when it is neither. */
export function sideOf(event: RunEvent, step: number | null): Side | null {
  if (step === event.step) return 'after';
  return step === event.beforeStep ? 'before' : null;
}

/** Whether TensorBoard has kept the step of a side. */
export function isKept({ series }: State, event: RunEvent, side: Side): boolean {
  return series?.steps.includes(stepOf(event, side)) ?? false;
}

function stepOf(event: RunEvent, side: Side): number {
  return side === 'after' ? event.step : event.beforeStep;
}

/** The side on which there is something to see. */
export function chooseSide(state: State, event: RunEvent): Side {
  const hasEnded = event.after.length === 0 && event.classes === null;
  return hasEnded && isKept(state, event, 'before') ? 'before' : 'after';
}

export function showSide(event: RunEvent, side: Side, session: Session): void {
  const of = event.classes ? { of: 'prediction' as const } : {};
  const highlight = { ids: event.after, name: event.text, event, ...of };
  session.store.set({ highlight, playing: false });
  session.chooseStep(stepOf(event, side));
}

/** Goes to the step of an event, flies to its cell and lets its members stand out. */
export function jumpTo(event: RunEvent, session: Session, map: CameraTarget): void {
  showSide(event, chooseSide(session.store.state, event), session);
  if (event.cell !== null) flyToCell(event.cell, session, map);
}

/** Pins a cell in the inspector and brings it near. */
export function flyToCell(place: CellPlace, { store }: Session, map: CameraTarget): void {
  store.set({ pinned: place, hover: null });
  map.flyTo({ ...centerOf(place), z: Math.max(LEAST_ZOOM, place.size / CELLS_IN_VIEW) });
}
