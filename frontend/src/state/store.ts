// SPDX-License-Identifier: Apache-2.0
/** The store: one frozen state, replaced as a whole, that views read and the session writes. */

import { INITIAL_LOG, type LogState } from './slices/loaded_log';
import { INITIAL_SELECTION, type SelectionState } from './slices/selection';
import { type CompareState, INITIAL_COMPARE } from './slices/step_compare';
import { INITIAL_UI, type UiState } from './slices/ui';
import { INITIAL_VIEW, type ViewState } from './slices/view';

/** The five slices side by side; no two have a field of the same name. */
export interface State extends LogState, ViewState, SelectionState, CompareState, UiState {}

const INITIAL: State = {
  ...INITIAL_LOG,
  ...INITIAL_VIEW,
  ...INITIAL_SELECTION,
  ...INITIAL_COMPARE,
  ...INITIAL_UI,
};

export type Listener = (state: State, before: State) => void;

export class Store {
  #state = INITIAL;
  readonly #listeners = new Set<Listener>();

  get state(): State {
    return this.#state;
  }

  /** Replaces the named fields; notifies listeners only if one of them differs. */
  set(change: Partial<State>): void {
    const before = this.#state;
    const keys = Object.keys(change) as (keyof State)[];
    if (keys.every((key) => Object.is(before[key], change[key]))) return;
    this.#state = { ...before, ...change };
    for (const listener of this.#listeners) listener(this.#state, before);
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
