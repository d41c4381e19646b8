// SPDX-License-Identifier: Apache-2.0
/** The buttons that open what is about more than one step. */

import { html, type TemplateResult } from 'lit';
import type { Session } from '../session';
import type { State } from '../store';
import { iconButton } from './icons';

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
      name: 'Drift: where cells moved',
      key: 'd',
      pressed: state.drift,
      press: () => store.set({ drift: !state.drift }),
    })}
  </span>`;
}
