// SPDX-License-Identifier: Apache-2.0
/** Zoom buttons of the map. */

import { html, type TemplateResult } from 'lit';
import { iconButton } from '../ui/icons';
import type { AtlasMap } from './atlas_map';

const ZOOM_STEP = 1.5;

export function mapButtons(map: AtlasMap): TemplateResult {
  return html`<div class="map-buttons" role="group" aria-label="Zoom">
    ${iconButton({ icon: 'plus', name: 'Zoom in', key: '+', press: () => map.zoomBy(ZOOM_STEP) })}
    ${iconButton({
      icon: 'minus',
      name: 'Zoom out',
      key: '-',
      press: () => map.zoomBy(1 / ZOOM_STEP),
    })}
    ${iconButton({ icon: 'fit', name: 'Show the whole map', key: '0', press: () => map.fit() })}
  </div>`;
}
