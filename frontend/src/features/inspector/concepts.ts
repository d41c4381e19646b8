// SPDX-License-Identifier: Apache-2.0
/** The concepts of the pinned cell: a section of the inspector. */

import type { FeatureModule } from '../feature';
import { conceptList } from './concept_list';

export const concepts: FeatureModule = {
  styles: '',
  create: () => ({ inspectorSection: conceptList }),
};
