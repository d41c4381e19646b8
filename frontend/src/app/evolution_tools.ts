// SPDX-License-Identifier: Apache-2.0
/** The buttons that open what is about more than one step. */

import { html, type TemplateResult } from 'lit';
import { addPane, toggleCompare } from '../state/comparison';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import { iconButton } from '../ui/icons';

export function evolutionTools(state: State, session: Session): TemplateResult {
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
      name: 'Add a pane: another layer, run or step beside this one',
      key: 'a',
      press: () => addPane(session),
    })}
  </span>`;
}

/** The button that opens the class filter. */
export function filterTool({ filterOpen }: State, { store }: Session): TemplateResult {
  return iconButton({
    icon: 'filter',
    name: 'Ask about a class',
    key: 'f',
    pressed: filterOpen,
    press: () => store.set({ filterOpen: !filterOpen }),
  });
}
