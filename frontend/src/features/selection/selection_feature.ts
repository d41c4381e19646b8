// SPDX-License-Identifier: Apache-2.0
/** Selected, pinned, and highlighted samples. */

import type { FeatureModule } from '../feature';
import styles from './highlight.css?inline';
import { SelectionController } from './selection_controller';

export const selection: FeatureModule = {
  styles,
  create: ({ session, map }) => new SelectionController(session, map),
};
