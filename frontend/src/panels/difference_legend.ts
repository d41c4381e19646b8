// SPDX-License-Identifier: Apache-2.0
/** What the squares of the difference say, in words and numbers, or why there are none. */

import { html, nothing, type TemplateResult } from 'lit';
import { type Atlas, type Level, levelOf } from '../atlas';
import { NOT_FOLLOWED } from '../class_atlas';
import { type Change, type Difference, findDifference, largestChanges } from '../difference';
import { count, plural, signed } from '../format';
import { whyUnpaired } from '../pair';
import { referenceOf } from '../reference';
import type { State } from '../store';
import { stepsBetween } from './drift_legend';

/** As many changes are listed. */
const LARGEST = 8;
const VERDICTS: Readonly<Record<string, string>> = {
  true: 'moved farther',
  false: 'within it',
  null: 'not known',
};

/** B less A on a level of B, or why it cannot be told. */
export function differenceOf(state: State, atlas: Atlas, level: Level): Difference | string {
  const { otherFailure, compare } = state;
  if (compare === atlas.step) return 'A and B are the same step: go to another one.';
  const other = referenceOf(state);
  if (other === null) {
    if (otherFailure === null) return `Step ${count(compare ?? 0)} is on its way …`;
    return `Step ${count(compare ?? 0)} cannot be read: ${otherFailure.message}`;
  }
  const reason = whyUnpaired(other, atlas);
  if (reason === NOT_FOLLOWED) return `${reason} Swipe and Blink show both.`;
  if (reason !== null) return reason;
  const same = levelOf(other, level.size);
  if (same === undefined)
    return `Step ${count(other.step)} has no ${level.size} × ${level.size} grid.`;
  return findDifference(other, same, atlas, level);
}

export function differenceSentence({ step, compare }: State, { moved }: Difference): string {
  const since = `between step ${count(compare ?? 0)} and step ${count(step ?? 0)}`;
  return `${plural(moved, 'sample')} changed cell ${since}`;
}

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
  const { gained, lost, onlyA, onlyB } = found;
  return html`<aside class="legend panel drift-legend" aria-label="Difference">
    <p><strong>${differenceSentence(state, found)}</strong></p>
    <ul class="difference-key">
      <li><i class="gain"></i>more in B: up to ${signed(gained)}</li>
      <li><i class="loss"></i>fewer in B: to ${signed(-lost)}</li>
      <li><i class="only-a"></i>cell in A only: ${count(onlyA)}</li>
      <li><i class="only-b"></i>cell in B only: ${count(onlyB)}</li>
    </ul>
    <p class="muted">${chance(found)} ${stepsBetween(state)}</p>
    ${gained + lost > 0 ? table(found, go) : nothing}
  </aside>`;
}

function chance({ changes, moved }: Difference): string {
  if (moved === 0) return '';
  if (changes.every(({ news }) => news === null)) return 'What chance would do was not recorded.';
  return changes.some(({ news }) => news === false)
    ? 'Pale: most of those that came or went moved no farther than chance.'
    : 'Everywhere, most of those that came or went moved farther than chance.';
}

/** What the squares show, for those who would rather read. */
function table(found: Difference, go: (change: Change) => void): TemplateResult {
  return html`<details class="changes">
    <summary>Largest changes</summary>
    <table>
      <thead>
        <tr><th scope="col">Cell</th><th scope="col">Samples</th><th scope="col">Chance</th></tr>
      </thead>
      <tbody>
        ${largestChanges(found, LARGEST).map(
          (change) => html`<tr>
            <td>
              <button type="button" class="link" @click=${() => go(change)}>
                row ${change.row + 1}, column ${change.col + 1}
              </button>
            </td>
            <td class="number">${signed(change.gain)}</td>
            <td>${VERDICTS[String(change.news)]}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}
