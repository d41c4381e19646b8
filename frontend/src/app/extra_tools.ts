// SPDX-License-Identifier: Apache-2.0
/** The buttons that ask for what comes only then. */

import { html, nothing, type TemplateResult } from 'lit';
import { layersOf } from '../state/pane_specs';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import type { CellContext } from '../ui/cell_view';
import { iconButton, KEPT } from '../ui/icons';

const SEARCH =
  'M15.5 14h-.8l-.3-.3a6.5 6.5 0 1 0-.7.7l.3.3v.8l5 5 1.5-1.5zm-6 0a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9';

const TABLE = 'M3 4h18v16H3zm2 5v3h6V9zm8 0v3h6V9zm-8 5v4h6v-4zm8 0v4h6v-4z';

const EXPORT = 'M11 4h2v8.2l3-3L17.4 10.6 12 16l-5.4-5.4L8 9.2l3 3zM5 18h14v2H5z';

export function extraTools(
  { finding, table, exporting, kept }: State,
  { store }: Session,
): TemplateResult {
  return html`${iconButton({
    icon: SEARCH,
    name: 'Find',
    key: '/',
    pressed: finding,
    press: () => store.set({ finding: !finding }),
  })}
  ${iconButton({
    icon: TABLE,
    name: 'Cells as a table',
    key: 't',
    pressed: table,
    press: () => store.set({ table: !table }),
  })}
  ${iconButton({
    icon: KEPT,
    name: 'Selections and pins',
    key: 'k',
    pressed: kept !== false,
    press: () => store.set({ kept: kept ? false : 'entered' }),
  })}
  ${iconButton({
    icon: EXPORT,
    name: 'Export',
    key: 'e',
    pressed: exporting,
    press: () => store.set({ exporting: !exporting }),
  })}`;
}

/** In the inspector of a layer that has others above or below. */
export function acrossTool({ state, session }: CellContext): TemplateResult | typeof nothing {
  const { run, series, across } = state;
  const layers = run === null ? [] : layersOf(run);
  if (layers.length < 2 || !layers.some(({ id }) => id === series?.id)) return nothing;
  return html`<button
    type="button"
    class="button across"
    aria-expanded=${across}
    @click=${() => session.store.set({ across: !across })}
  >
    Across layers: what it feeds
  </button>`;
}
