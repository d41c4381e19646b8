// SPDX-License-Identifier: Apache-2.0
/** The section of the inspector with the concepts of the pinned cell. */

import type { FeatureModule } from '../feature';
import { conceptLine, conceptList } from './cell_concepts';

export const concepts: FeatureModule = {
  styles: '',
  create: () => ({ inspectorSection: conceptList, cardLine: conceptLine }),
};
