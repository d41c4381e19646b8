// SPDX-License-Identifier: Apache-2.0
/** Shows a notice over the map for a moment and announces it. */

import type { Store } from './store';

const SHOWN_MS = 2500;
let timer: ReturnType<typeof setTimeout> | undefined;

export function notify(store: Store, notice: string): void {
  clearTimeout(timer);
  store.set({ notice, said: notice });
  timer = setTimeout(() => store.set({ notice: '' }), SHOWN_MS);
}
