// SPDX-License-Identifier: Apache-2.0
/** The legend of the map and its provenance. */

import type { FeatureModule } from '../feature';
import styles from './legend.css?inline';
import { LegendController } from './legend_controller';

export const legend: FeatureModule = {
  styles,
  create: ({ session, map }) => new LegendController(session, map),
};
