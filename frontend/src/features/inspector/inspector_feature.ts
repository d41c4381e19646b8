// SPDX-License-Identifier: Apache-2.0
/** The card of the cell under the pointer, and the inspector of the pinned cell. */

import type { FeatureModule } from '../feature';
import styles from './inspector.css?inline';
import { InspectorController } from './inspector_controller';

export const inspector: FeatureModule = {
  styles,
  create: (context) => new InspectorController(context),
};
