// SPDX-License-Identifier: Apache-2.0
/** The button of the inspector that loads and shows the layer links. */

import { html, nothing, type TemplateResult } from 'lit';
import { layersOf } from '../../domain/series/series_lookup';
import type { CellContext } from '../../ui/cell_view';
import type { FeatureModule } from '../feature';

export const layerLinksToggle: FeatureModule = {
  styles: '',
  create: () => ({ inspectorSection: toggle }),
};

/** Where the run has another layer. */
function toggle({ state, session }: CellContext): TemplateResult | typeof nothing {
  const { run, series, across } = state;
  const layers = run === null ? [] : layersOf(run);
  if (layers.length < 2 || !layers.some(({ id }) => id === series?.id)) return nothing;
  return html`<button
    type="button"
    class="button across"
    aria-expanded=${across}
    @click=${() => session.store.set({ across: !across })}
  >
    Across layers: linked cells
  </button>`;
}
