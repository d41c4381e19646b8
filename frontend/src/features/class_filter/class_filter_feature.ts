// SPDX-License-Identifier: Apache-2.0
/** Filters cells by their top class or by attribution toward a class. */

import type { FeatureModule } from '../feature';
import styles from './class_filter.css?inline';
import { ClassFilterController } from './class_filter_controller';

export const classFilter: FeatureModule = {
  styles,
  create: ({ session, map, update }) => new ClassFilterController(session, map, update),
};
