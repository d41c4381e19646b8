// SPDX-License-Identifier: Apache-2.0
/** The switch of borders and names of concepts. */

import { notify } from './notify';
import { showsOutlines } from './slices/view';
import type { Store } from './store';

/** Shows or hides them; says why there are none. The state is empty where the color alone would do so. */
export function toggleOutlines(store: Store): void {
  const { atlas, color } = store.state;
  if (atlas?.concepts === null) {
    notify(store, 'Concepts were not tracked in this atlas.');
    return;
  }
  const shows = !showsOutlines(store.state);
  store.set({
    outlines: shows === (color === 'concept') ? '' : shows ? 'on' : 'off',
    said: `Borders and names of concepts ${shows ? 'shown' : 'hidden'}`,
  });
}
