// SPDX-License-Identifier: Apache-2.0
/** The timeline: player, slider, and marks of events. */

import type { FeatureModule } from '../feature';
import styles from './timeline.css?inline';
import { TimelineController } from './timeline_controller';

export const timeline: FeatureModule = {
  styles,
  create: ({ session, player, map, timelineMarks }) =>
    new TimelineController(session, player, map, timelineMarks),
};
