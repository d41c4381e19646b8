// SPDX-License-Identifier: Apache-2.0
/** What the colors of the map mean, and where the map comes from. */

import type { FeatureModule } from '../feature';
import styles from './legend.css?inline';
import { LegendController } from './legend_controller';

export const legend: FeatureModule = {
  styles,
  create: ({ session, map }) => new LegendController(session, map),
};
