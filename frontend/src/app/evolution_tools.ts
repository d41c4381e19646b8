// SPDX-License-Identifier: Apache-2.0
/** The buttons that open what is about more than one step. */

import { html, type TemplateResult } from 'lit';
import { classAtlasOf, NOT_FOLLOWED } from '../domain/class_atlas';
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

/** How the map goes from step to step; named, because the two say different things. */
export function motionChoice(state: State, session: Session): TemplateResult {
  const { travel, series, atlas } = state;
  const followed = atlas === null || classAtlasOf(atlas) === null;
  const moves = travel && followed;
  const choice = (value: boolean, name: string, title: string) => html`<label title=${title}>
    <input
      type="radio"
      name="motion"
      ?disabled=${value && !followed}
      .checked=${moves === value}
      @change=${() => session.store.set({ travel: value })}
    />${name}
  </label>`;
  return html`<span
    class="segments small motion"
    role="radiogroup"
    aria-label="From step to step"
    ?hidden=${(series?.steps.length ?? 0) < 2}
  >
    ${choice(true, 'Moving map', followed ? 'Icons go where their samples go (m)' : NOT_FOLLOWED)}
    ${choice(false, 'Fixed map', 'Icons change where they are (m)')}
  </span>`;
}
