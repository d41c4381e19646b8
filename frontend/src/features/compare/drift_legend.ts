// SPDX-License-Identifier: Apache-2.0
/** The legend of the drift, or the reason why there is none, and the choice of the quantity. */

import { html, nothing, svg, type TemplateResult } from 'lit';
import { type Drift, type DriftValues, formatChange } from '../../domain/comparison/drift';
import { DRIFTS } from '../../domain/display_types';
import { SEQUENTIAL_CSS } from '../../domain/map_colors';
import type { NearestSamples } from '../../domain/nearest_samples';
import {
  driftOf,
  driftText,
  formatDriftSentence,
  formatSignificantCells,
  QUANTITY_TEXT,
  stepsBetween,
} from '../../state/drift_values';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { segments } from '../../ui/segmented_control';
import type { Atlas, Level } from '../../wire/atlas';

export function driftLegend(
  { store }: Session,
  atlas: Atlas,
  level: Level,
  nearest: NearestSamples,
): TemplateResult {
  const { state } = store;
  const found = driftOf(state, atlas, level, nearest);
  return html`<aside class="legend panel drift-legend" aria-label="Drift">
    ${segments(
      'Drift of',
      'drift',
      DRIFTS,
      (channel) => QUANTITY_TEXT[channel].name,
      state.drift || 'on',
      (drift) => store.set({ drift }),
    )}
    ${typeof found === 'string' ? html`<p>${found}</p>` : sums(state, found)}
  </aside>`;
}

function sums(state: State, found: Drift | DriftValues): TemplateResult {
  const { mean, most, beyondShare, beyond } = found;
  const moves = 'from' in found;
  return html`<p><strong>${formatSignificantCells(state, found)}</strong></p>
    ${moves ? signs(beyond) : scale(state, found)}
    <p class="muted">
      ${formatDriftSentence(state, mean, most, 'on average', beyondShare)}
      ${
        beyond === null
          ? 'No noise floor was recorded for this step, so significance is unknown.'
          : nothing
      }
      ${moves ? stepsBetween(state) : nothing}
    </p>`;
}

function signs(beyond: Float32Array | null): TemplateResult {
  return html`${beyond === null ? nothing : key(SIGNIFICANCE, 'most samples moved farther than the noise floor')}
  ${key(CHANCE, beyond === null ? 'significance unknown' : 'not significant')}`;
}

function scale(state: State, { most, note = '' }: DriftValues): TemplateResult {
  return html`<div class="scale">
      <span>0</span>
      <i style="background:${SEQUENTIAL_CSS}"></i>
      <span>${formatChange(most, most)}</span>
    </div>
    <p class="muted">${driftText(state).color}. Thin and pale: not significant.${note}</p>`;
}

const SIGNIFICANCE = svg`<path class="solid" d="M2 8.6 24 6v-4l10 7-10 7v-4L2 9.4z" />`;
const CHANCE = svg`<path class="broken" d="M2 9h28" /><circle cx="32" cy="9" r="2" />`;

function key(sign: TemplateResult<2>, words: string): TemplateResult {
  return html`<p class="drift-key">
    <svg viewBox="0 0 36 18" aria-hidden="true">${sign}</svg> ${words}
  </p>`;
}
