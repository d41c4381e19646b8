// SPDX-License-Identifier: Apache-2.0
/** The lists of selected, highlighted, pinned, and saved samples. */

import type { FeatureModule } from '../feature';
import styles from './selection.css?inline';
import { SelectionLists } from './selection_lists';

export const selectionLists: FeatureModule = {
  styles,
  create: ({ session, map, update }) => new SelectionLists(session, map, update),
};
