// SPDX-License-Identifier: Apache-2.0
/** The buttons at the top of the tab that open features. */

import { html, type TemplateResult } from 'lit';
import { toggleCompare } from '../state/comparison_actions';
import { toggleOutlines } from '../state/outlines';
import { addPane } from '../state/pane_specs';
import type { Session } from '../state/session';
import { showsOutlines } from '../state/slices/view';
import type { State } from '../state/store';
import { iconButton, SELECTION_ICON } from '../ui/icons';

const SEARCH =
  'M15.5 14h-.8l-.3-.3a6.5 6.5 0 1 0-.7.7l.3.3v.8l5 5 1.5-1.5zm-6 0a4.5 4.5 0 1 1 0-9 4.5 4.5 0 0 1 0 9';

const TABLE = 'M3 4h18v16H3zm2 5v3h6V9zm8 0v3h6V9zm-8 5v4h6v-4zm8 0v4h6v-4z';

const CONCEPTS =
  'M15 5 9 3 3 5v16l6-2 6 2 6-2V3zm-5 .5 4 1.3v11.7l-4-1.3zM5 6.5l3-1v11.7l-3 1zm14 11-3 1V6.8l3-1z';

const EXPORT = 'M11 4h2v8.2l3-3L17.4 10.6 12 16l-5.4-5.4L8 9.2l3 3zM5 18h14v2H5z';

const STREAM =
  'M3 3c6 0 6 3 9 3s5-2 9-2v4c-4 0-6 2-9 2s-3-3-9-3zm0 6c6 0 6 3 9 3s5-2 9-2v4c-4 0-6 2-9 2s-3-3-9-3zm0 6c6 0 6 3 9 3s5-2 9-2v4c-4 0-6 2-9 2s-3-3-9-3z';

export function toolbar(state: State, session: Session, buttons: unknown): TemplateResult {
  return html`${listTools(state, session)} ${buttons}
  ${overlayTools(state, session)} ${evolutionTools(state, session)}`;
}

function listTools(
  { finding, table, exporting, selectionList }: State,
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
    icon: SELECTION_ICON,
    name: 'Selections and pins',
    key: 'k',
    pressed: selectionList !== false,
    press: () => store.set({ selectionList: selectionList ? false : 'entered' }),
  })}
  ${iconButton({
    icon: EXPORT,
    name: 'Export',
    key: 'e',
    pressed: exporting,
    press: () => store.set({ exporting: !exporting }),
  })}`;
}

function evolutionTools(state: State, session: Session): TemplateResult {
  const { store } = session;
  return html`<span class="tools" role="group" aria-label="Evolution">
    ${iconButton({
      icon: 'events',
      name: 'Events of this run',
      key: 'j',
      pressed: state.eventList,
      press: () => store.set({ eventList: !state.eventList }),
    })}
    ${iconButton({
      icon: STREAM,
      name: 'Concepts over the steps',
      key: 'g',
      pressed: state.stream !== '',
      press: () => store.set({ stream: state.stream ? '' : 'concepts' }),
    })}
    ${iconButton({
      icon: 'drift',
      name: 'Drift: what changed since an earlier step',
      key: 'd',
      pressed: state.drift !== '',
      press: () => store.set({ drift: state.drift ? '' : 'on' }),
    })}
    ${iconButton({
      icon: 'compare',
      name: 'Compare two steps',
      key: 'c',
      pressed: state.compare !== null,
      disabled: (state.series?.steps.length ?? 0) < 2,
      press: () => toggleCompare(session),
    })}
    ${iconButton({
      icon: 'M3 5h18v14H3zm2 2v10h6V7zm8 0v10h6V7z',
      name: 'Add a pane with another layer, run, or step',
      key: 'a',
      press: () => addPane(session),
    })}
  </span>`;
}

/** The buttons of what is drawn over the icons. */
function overlayTools(state: State, { store }: Session): TemplateResult {
  return html`${iconButton({
    icon: 'filter',
    name: 'Filter by class',
    key: 'f',
    pressed: state.filterOpen,
    press: () => store.set({ filterOpen: !state.filterOpen }),
  })}
  ${iconButton({
    icon: CONCEPTS,
    name: 'Borders and names of concepts',
    key: 'o',
    pressed: showsOutlines(state),
    press: () => toggleOutlines(store),
  })}`;
}
