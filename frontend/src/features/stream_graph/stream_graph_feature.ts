// SPDX-License-Identifier: Apache-2.0
/** The stream graph: the sizes of all concepts, or groups of concepts, over the steps. */

import type { FeatureModule } from '../feature';
import { StreamController } from './stream_controller';
import styles from './stream_graph.css?inline';

export const streamGraph: FeatureModule = {
  styles,
  create: ({ session, map, update }) => new StreamController(session, map, update),
};
