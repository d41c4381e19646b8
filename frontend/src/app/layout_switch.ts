// SPDX-License-Identifier: Apache-2.0
/** The choice between the two layouts of a run, beside its name. */

import { html, nothing, type TemplateResult } from 'lit';
import { isRelaid } from '../domain/layout_variants';
import { otherLayout, switchLayout } from '../state/layout_choice';
import type { Session } from '../state/session';
import type { State } from '../state/store';

const FROM_END = 'Relaid from the end';

export function layoutSwitch(state: State, session: Session): TemplateResult | typeof nothing {
  if (state.run === null || otherLayout(state) === null) return nothing;
  const relaid = isRelaid(state.run.run);
  const choice = (value: boolean, name: string, title: string, label = name) => html`<label
    title=${title}
  >
    <input
      type="radio"
      name="layout"
      aria-label=${label}
      .checked=${relaid === value}
      @change=${() => void switchLayout(session)}
    />${name}
  </label>`;
  return html`<span class="segments small" role="radiogroup" aria-label="Layout of the run">
    ${choice(false, 'Streamed', 'Each checkpoint was laid out from the one before it')}
    ${choice(true, 'Relaid', 'Laid out again, from the last checkpoint to the first', FROM_END)}
  </span>`;
}
