// SPDX-License-Identifier: Apache-2.0
/** The switch between icons that move and icons that fade from step to step. */

import { html, type TemplateResult } from 'lit';
import { classAtlasOf, NOT_FOLLOWED } from '../../domain/class_atlas';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';

/** How the map goes from step to step; named, because the two say different things. */
export function motionChoice(state: State, session: Session): TemplateResult {
  const { motion, series, atlas } = state;
  const followed = atlas === null || classAtlasOf(atlas) === null;
  const moves = motion && followed;
  const choice = (value: boolean, name: string, title: string) => html`<label title=${title}>
    <input
      type="radio"
      name="motion"
      ?disabled=${value && !followed}
      .checked=${moves === value}
      @change=${() => session.store.set({ motion: value })}
    />${name}
  </label>`;
  return html`<span
    class="segments small motion"
    role="radiogroup"
    aria-label="Motion between steps"
    ?hidden=${(series?.steps.length ?? 0) < 2}
  >
    ${choice(true, 'Moving map', followed ? 'Icons move with their samples (m)' : NOT_FOLLOWED)}
    ${choice(false, 'Fixed map', 'Icons change in place (m)')}
  </span>`;
}
