// SPDX-License-Identifier: Apache-2.0
/** Panes with other layers, runs, or steps next to the map, and links between layers. */

import type { FeatureModule } from '../feature';
import linkStyles from './layer_links.css?inline';
import { LayerLinksController } from './layer_links_controller';
import paneStyles from './panes.css?inline';
import { PanesController } from './panes_controller';

/** Maps beside the first, linked by their samples. */
export const panes: FeatureModule = {
  styles: paneStyles,
  create: ({ session, map, update, paneMarks }) =>
    new PanesController(session, map, update, paneMarks),
};

/** Cells of the next and the previous layer that share samples with the pinned cell. */
export const layerLinks: FeatureModule = {
  styles: linkStyles,
  create: ({ session, map, update }) => new LayerLinksController(session, map, update),
};
