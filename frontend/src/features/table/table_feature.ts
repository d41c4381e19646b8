// SPDX-License-Identifier: Apache-2.0
/** A table of the cells in place of the map. */

import type { FeatureModule } from '../feature';
import styles from './table.css?inline';
import { TableController } from './table_controller';

export const table: FeatureModule = {
  styles,
  create: ({ session, map, update, nearest }) => new TableController(session, map, update, nearest),
};
