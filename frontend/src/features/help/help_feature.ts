// SPDX-License-Identifier: Apache-2.0
/** Help: how to interpret the map, and keyboard shortcuts. */

import type { FeatureModule } from '../feature';
import styles from './help.css?inline';
import { HelpController } from './help_controller';

export const help: FeatureModule = {
  styles,
  create: ({ session }) => new HelpController(session),
};
