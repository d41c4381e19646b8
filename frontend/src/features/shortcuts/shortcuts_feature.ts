// SPDX-License-Identifier: Apache-2.0
/** Shortcuts found in the run: patches that flip predictions to a class. */

import type { FeatureModule } from '../feature';
import styles from './shortcuts.css?inline';
import { ShortcutsController } from './shortcuts_controller';

export const shortcuts: FeatureModule = {
  styles,
  create: ({ session, map, update }) => new ShortcutsController(session, map, update),
};
