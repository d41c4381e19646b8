// SPDX-License-Identifier: Apache-2.0
/** Borders and names of concepts on the map. */

import type { FeatureModule } from '../feature';
import { OutlinesController } from './outlines_controller';

export const conceptOutlines: FeatureModule = {
  styles: '',
  create: ({ session, map }) => new OutlinesController(session, map),
};
