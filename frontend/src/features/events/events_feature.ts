// SPDX-License-Identifier: Apache-2.0
/** Births, splits, merges and ends of concepts, and the film strip of one concept. */

import type { FeatureModule } from '../feature';
import styles from './events.css?inline';
import { EventsController } from './events_controller';

export const events: FeatureModule = {
  styles,
  create: ({ session, map, update }) => new EventsController(session, map, update),
};
