// SPDX-License-Identifier: Apache-2.0
/** Exports images, tables, and links. */

import type { FeatureModule } from '../feature';
import styles from './export.css?inline';
import { ExportController } from './export_controller';

export const exporting: FeatureModule = {
  styles,
  create: ({ session, map, update, nearest }) =>
    new ExportController(session, map, update, nearest),
};
