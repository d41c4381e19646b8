// SPDX-License-Identifier: Apache-2.0
/** Comparison of two steps: their difference, and the drift from one to the other. */

import type { FeatureModule } from '../feature';
import compareStyles from './compare.css?inline';
import driftStyles from './drift.css?inline';
import { DriftController } from './drift_controller';
import { StepComparisonController } from './step_comparison_controller';

/** The difference, a swipe between two steps, or one after the other. */
export const compare: FeatureModule = {
  styles: compareStyles,
  create: ({ session, map }) => new StepComparisonController(session, map),
};

/** How far samples moved, or how much their activations changed, since an earlier step. */
export const drift: FeatureModule = {
  styles: driftStyles,
  create: ({ session, nearest }) => new DriftController(session, nearest),
};
