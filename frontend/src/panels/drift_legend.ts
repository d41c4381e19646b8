// SPDX-License-Identifier: Apache-2.0
/** What the arrows say, in words and numbers, or why there are none. */

import { html, nothing, svg, type TemplateResult } from 'lit';
import type { Atlas, Level } from '../atlas';
import { type Drift, findDrift } from '../drift';
import { count, percent, plural } from '../format';
import { whyUnpaired } from '../pair';
import { referenceOf, wantedStep } from '../reference';
import type { State } from '../store';

/** The drift that `state` shows on a level, or why it cannot. */
export function driftOf(state: State, atlas: Atlas, level: Level): Drift | string {
  const step = wantedStep(state);
  if (step === null) return 'This is the first step: there is none before to have moved from.';
  const other = referenceOf(state);
  if (other === null) {
    const { otherFailure } = state;
    if (otherFailure === null) return `Step ${count(step)} is on its way …`;
    return `Step ${count(step)} cannot be read: ${otherFailure.message}`;
  }
  return whyUnpaired(other, atlas) ?? findDrift(other, atlas, level);
}

/** "12 of 80 cells moved more than chance since step 400", for the legend and for screen readers. */
export function driftSentence(state: State, { beyond, news }: Drift): string {
  const since = `since step ${count(wantedStep(state) ?? 0)}`;
  if (beyond === null) return `Moves ${since}; what chance would do was not recorded`;
  return `${count(news)} of ${plural(beyond.length, 'cell')} moved more than chance ${since}`;
}

export function driftLegend(state: State, atlas: Atlas, level: Level): TemplateResult {
  const drift = driftOf(state, atlas, level);
  if (typeof drift === 'string') {
    return html`<aside class="legend panel" aria-label="Drift"><p>${drift}</p></aside>`;
  }
  const { beyond, meanMove, beyondShare } = drift;
  return html`<aside class="legend panel drift-legend" aria-label="Drift">
    <p><strong>${driftSentence(state, drift)}</strong></p>
    ${beyond === null ? nothing : key(NEWS, 'most of its samples moved farther than chance')}
    ${key(CHANCE, beyond === null ? 'not known to be more than chance' : 'chance explains the move')}
    <p class="muted">
      ${
        beyondShare === null
          ? 'No noise floor was recorded for this step, so that no move can be called news. Atlases of this version measure one from the second checkpoint on.'
          : html`Samples moved ${percent(meanMove)} of the map's side on average,
            ${percent(beyondShare)} of them farther than chance.`
      }
      ${stepsBetween(state)}
    </p>
  </aside>`;
}

/** The floor is that of one step; over more of them chance adds up. */
export function stepsBetween({ series, step, compare }: State): string | typeof nothing {
  const at = (one: number | null) => series?.steps.indexOf(one ?? Number.NaN) ?? -1;
  const between = Math.abs(at(step) - at(compare)) - 1;
  if (compare === null || between < 1) return nothing;
  return `Chance is that of one step; ${plural(between, 'more step')} ${
    between === 1 ? 'lies' : 'lie'
  } between.`;
}

const NEWS = svg`<path class="solid" d="M2 8.6 24 6v-4l10 7-10 7v-4L2 9.4z" />`;
const CHANCE = svg`<path class="broken" d="M2 9h28" /><circle cx="32" cy="9" r="2" />`;

function key(sign: TemplateResult<2>, words: string): TemplateResult {
  return html`<p class="drift-key">
    <svg viewBox="0 0 36 18" aria-hidden="true">${sign}</svg> ${words}
  </p>`;
}
