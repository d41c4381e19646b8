// SPDX-License-Identifier: Apache-2.0
/** What the squares of the difference say, in words and numbers, or why there are none. */

import { html, nothing, type TemplateResult } from 'lit';
import { noGrid } from '../../domain/activation_drift';
import { NOT_FOLLOWED } from '../../domain/class_atlas';
import { readFilter } from '../../domain/class_filter';
import {
  type Change,
  type Difference,
  findAttributionChange,
  findDifference,
  largestChanges,
  sayGain,
} from '../../domain/difference';
import { whyUnpaired } from '../../domain/sample_pairing';
import type { State } from '../../state/store';
import { count, plural, shorten } from '../../util/format';
import { type Atlas, className, type Level, levelOf } from '../../wire/atlas';
import { referenceOr, stepsBetween } from './drift_legend';

/** As many changes are listed. */
const LARGEST = 8;
const LONGEST_NAME = 40;
const VERDICTS: Readonly<Record<string, string>> = {
  true: 'beyond it',
  false: 'within it',
  null: 'not known',
};

/** B less A on a level of B, or why it cannot be told. */
export function differenceOf(state: State, atlas: Atlas, level: Level): Difference | string {
  if (state.compare === atlas.step) return 'A and B are the same step: go to another one.';
  if (state.drift !== '' && state.drift !== 'on') {
    return 'The difference rests while drift colours the cells.';
  }
  const other = referenceOr(state);
  if (typeof other === 'string') return other;
  const reason = whyUnpaired(other, atlas);
  if (reason === NOT_FOLLOWED) return `${reason} Swipe and Blink show both.`;
  if (reason !== null) return reason;
  const same = levelOf(other, level.size);
  if (same === undefined) return noGrid(other, level);
  const { kind, classes } = readFilter(state);
  const [toward] = classes;
  const found =
    toward === undefined ? '' : findAttributionChange(other, same, atlas, level, toward);
  const samples = toward === undefined || (kind === 'top' && typeof found === 'string');
  return samples ? findDifference(other, same, atlas, level) : found;
}

export function differenceSentence(
  { step, compare, atlas }: State,
  { moved, toward }: Difference,
): string {
  const since = `between step ${count(compare ?? 0)} and step ${count(step ?? 0)}`;
  if (toward === null || !atlas) return `${plural(moved, 'sample')} changed cell ${since}`;
  const name = shorten(className(atlas, toward), LONGEST_NAME);
  return `Attribution toward ${name} changed ${since}, by more than chance in ${plural(moved, 'cell')}`;
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
  const { gained, lost, onlyA, onlyB, toward } = found;
  return html`<aside class="legend panel drift-legend" aria-label="Difference">
    <p><strong>${differenceSentence(state, found)}</strong></p>
    <ul class="difference-key">
      <li><i class="gain"></i>more in B: up to ${sayGain(found, gained)}</li>
      <li><i class="loss"></i>${toward === null ? 'fewer' : 'less'} in B: to ${sayGain(found, -lost)}</li>
      <li><i class="only-a"></i>cell in A only: ${count(onlyA)}</li>
      <li><i class="only-b"></i>cell in B only: ${count(onlyB)}</li>
    </ul>
    <p class="muted">${chance(found)} ${stepsBetween(state)}</p>
    ${gained + lost > 0 ? table(found, go) : nothing}
  </aside>`;
}

function chance({ changes, moved, toward }: Difference): string {
  if (toward !== null) {
    return changes.some(({ news }) => news !== null)
      ? 'Pale: no more than two standard errors of its samples.'
      : 'How far the samples of a cell agree was not recorded.';
  }
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
        <tr><th scope="col">Cell</th><th scope="col">${found.toward === null ? 'Samples' : 'Logits'}</th><th scope="col">Chance</th></tr>
      </thead>
      <tbody>
        ${largestChanges(found, LARGEST).map(
          (change) => html`<tr>
            <td>
              <button type="button" class="link" @click=${() => go(change)}>
                row ${change.row + 1}, column ${change.col + 1}
              </button>
            </td>
            <td class="number">${sayGain(found, change.gain)}</td>
            <td>${VERDICTS[String(change.news)]}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  </details>`;
}
