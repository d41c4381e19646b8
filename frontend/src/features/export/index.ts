// SPDX-License-Identifier: Apache-2.0
/** Images, tables and links to take away. */

import type { FeatureModule } from '../feature';
import styles from './export.css?inline';
import { ExportController } from './export_controller';

export const exporting: FeatureModule = {
  styles,
  create: ({ session, map, update, nearest }) =>
    new ExportController(session, map, update, nearest),
};
