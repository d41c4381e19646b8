// SPDX-License-Identifier: Apache-2.0
/** A short line over the map that goes by itself; screen readers hear it, too. */

import type { Store } from './store';

const SHOWN_MS = 2500;
let timer: ReturnType<typeof setTimeout> | undefined;

export function notify(store: Store, notice: string): void {
  clearTimeout(timer);
  store.set({ notice, said: notice });
  timer = setTimeout(() => store.set({ notice: '' }), SHOWN_MS);
}
