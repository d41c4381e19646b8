// SPDX-License-Identifier: Apache-2.0
/** Search for classes, images, samples, concepts, cells and saved selections. */

import type { FeatureModule } from '../feature';
import styles from './search.css?inline';
import { SearchController } from './search_controller';

export const search: FeatureModule = {
  styles,
  create: ({ session, map, update }) => new SearchController(session, map, update),
};
