// SPDX-License-Identifier: Apache-2.0
/** The switch between the original layout of a run and its relayout, next to the name of the run. */

import { html, nothing, type TemplateResult } from 'lit';
import { isRelayout } from '../domain/series/relayout_runs';
import { otherLayout, switchLayout } from '../state/layout_choice';
import type { Session } from '../state/session';
import type { State } from '../state/store';

const FROM_END = 'Relayout from the last step';

export function layoutSwitch(state: State, session: Session): TemplateResult | typeof nothing {
  if (state.run === null || otherLayout(state) === null) return nothing;
  const relayout = isRelayout(state.run.run);
  const choice = (value: boolean, name: string, title: string, label = name) => html`<label
    title=${title}
  >
    <input
      type="radio"
      name="layout"
      aria-label=${label}
      .checked=${relayout === value}
      @change=${() => void switchLayout(session)}
    />${name}
  </label>`;
  return html`<span class="segments small" role="radiogroup" aria-label="Layout of the run">
    ${choice(false, 'Original', 'Layout computed during training, first step to last')}
    ${choice(true, 'Relayout', 'Layout recomputed, last step to first', FROM_END)}
  </span>`;
}
