// SPDX-License-Identifier: Apache-2.0
/** The legend of the difference, or the reason why there is none. */

import { html, nothing, type TemplateResult } from 'lit';
import {
  type Change,
  type Difference,
  formatGain,
  largestChanges,
} from '../../domain/comparison/difference';
import { differenceOf, differenceSentence } from '../../state/difference_values';
import { stepsBetween } from '../../state/drift_values';
import type { State } from '../../state/store';
import { count } from '../../util/format';
import type { Atlas, Level } from '../../wire/atlas';

/** Maximum number of listed changes. */
const LARGEST = 8;

const SIGNIFICANCE: Readonly<Record<string, string>> = {
  true: 'significant',
  false: 'not significant',
  null: 'unknown',
};

export function differenceLegend(
  state: State,
  atlas: Atlas,
  level: Level,
  go: (change: Change) => void,
): TemplateResult {
  const found = differenceOf(state, atlas, level);
  if (typeof found === 'string') {
    return html`<aside class="legend panel" aria-label="Difference"><p>${found}</p></aside>`;
  }
  const { gained, lost, onlyA, onlyB, toward } = found;
  return html`<aside class="legend panel drift-legend" aria-label="Difference">
    <p><strong>${differenceSentence(state, found)}</strong></p>
    <ul class="difference-key">
      <li><i class="gain"></i>more in B: up to ${formatGain(found, gained)}</li>
      <li><i class="loss"></i>${toward === null ? 'fewer' : 'less'} in B: to ${formatGain(found, -lost)}</li>
      <li><i class="only-a"></i>cell in A only: ${count(onlyA)}</li>
      <li><i class="only-b"></i>cell in B only: ${count(onlyB)}</li>
    </ul>
    <p class="muted">${chance(found)} ${stepsBetween(state)}</p>
    ${gained + lost > 0 ? table(found, go) : nothing}
  </aside>`;
}

function chance({ changes, moved, toward }: Difference): string {
  if (toward !== null) {
    return changes.some(({ significant }) => significant !== null)
      ? 'Pale: within two standard errors.'
      : 'Standard errors were not recorded.';
  }
  if (moved === 0) return '';
  if (changes.every(({ significant }) => significant === null))
    return 'No noise floor was recorded.';
  return changes.some(({ significant }) => significant === false)
    ? 'Pale: most samples that came or left moved less than the noise floor.'
    : 'In every cell, most samples that came or left moved farther than the noise floor.';
}

/** The largest changes as a table. */
function table(found: Difference, go: (change: Change) => void): TemplateResult {
  return html`<details class="changes">
    <summary>Largest changes</summary>
    <table>
      <thead>
        <tr><th scope="col">Cell</th><th scope="col">${found.toward === null ? 'Samples' : 'Logits'}</th><th scope="col">Significance</th></tr>
      </thead>
      <tbody>
        ${largestChanges(found, LARGEST).map(
          (change) => html`<tr>
            <td>
              <button type="button" class="link" @click=${() => go(change)}>
                row ${change.row + 1}, column ${change.col + 1}
              </button>
            </td>
            <td class="number">${formatGain(found, change.gain)}</td>
            <td>${SIGNIFICANCE[String(change.significant)]}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}
