// SPDX-License-Identifier: Apache-2.0
/** Keeps at most one of the lists at the left of the stage open. */

import type { State, Store } from './store';

const CLOSED = {
  filterOpen: false,
  eventList: false,
  shortcut: '',
  selectionList: false,
} satisfies Partial<State>;
const LISTS = Object.keys(CLOSED) as (keyof typeof CLOSED)[];

export function keepOneListOpen(store: Store): void {
  const follow = (state: State, before: State) => {
    const open = LISTS.filter((list) => state[list] !== CLOSED[list]);
    const last = open.find((list) => before[list] === CLOSED[list]) ?? open[0];
    if (open.length > 1 && last) store.set({ ...CLOSED, [last]: state[last] });
  };
  store.subscribe(follow);
  follow(store.state, store.state);
}
