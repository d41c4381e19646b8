// SPDX-License-Identifier: Apache-2.0
/** How to read the map, and keys. */

import type { FeatureModule } from '../feature';
import styles from './help.css?inline';
import { HelpController } from './help_controller';

export const help: FeatureModule = {
  styles,
  create: ({ session }) => new HelpController(session),
};
