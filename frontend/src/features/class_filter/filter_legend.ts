// SPDX-License-Identifier: Apache-2.0
/** The legend of the class filter, or the reason why it shows nothing. */

import { html, nothing, type TemplateResult } from 'lit';
import {
  applyFilter,
  type Filter,
  type FilterResult,
  MIN_SUPPORT,
  readFilter,
} from '../../domain/class_filter';
import { referenceOf } from '../../state/reference_step';
import type { State } from '../../state/store';
import { count, percent, shorten } from '../../util/format';
import { type Atlas, className, type Level, levelOf } from '../../wire/atlas';
import { formatFractionWithSign } from '../../wire/attribution';
import { tally } from './filter_panel';

const NAME = 40;
const SIGN_WORDS = { helps: 'for', hurts: 'against', both: 'for and against' } as const;

/** Why the filter is not drawn just now although one is set, or null. */
export function restReason({ compare, compareMode, flipped, highlight }: State): string | null {
  if (highlight !== null)
    return 'Not shown while samples are highlighted. Press Esc to end the highlight.';
  if (compare !== null && compareMode === 'difference' && !flipped) {
    return 'Not shown in this mode: the difference is in attribution toward the first class, or in samples.';
  }
  return null;
}

/** A and B, while they are compared, share one scale; otherwise it is that of the level itself. */
export function scaleOf(state: State, atlas: Atlas, level: Level, filter: Filter): number {
  const other = state.compare === null ? null : referenceOf(state);
  return [atlas, other, other && state.atlas]
    .flatMap((one) => {
      const same = levelOf(one, level.size);
      const found = one && same ? applyFilter(one, same, filter) : '';
      return typeof found === 'string' ? [] : [found.most];
    })
    .reduce((most, value) => Math.max(most, value), 0);
}

export function filterLegend(
  state: State,
  atlas: Atlas,
  level: Level,
  change: { clear(): void; open(): void },
): TemplateResult | typeof nothing {
  const filter = readFilter(state);
  if (filter.classes.length === 0) return nothing;
  const found = applyFilter(atlas, level, filter);
  const rest = restReason(state);
  return html`<aside class="legend panel filter-legend" aria-label="Legend of the class filter">
    <div class="filter-head">
      <strong>${title(atlas, filter)}</strong>
      <button type="button" class="link" ?hidden=${state.filterOpen} @click=${change.open}>
        Change
      </button>
      <button type="button" class="link" @click=${change.clear}>Clear</button>
    </div>
    ${
      typeof found === 'string' || rest !== null
        ? html`<p>${typeof found === 'string' ? found : rest}</p>`
        : html`${key(filter, found, level)}
          <p class="muted">${scaleWords(filter, found, scaleOf(state, atlas, level, filter), state)}</p>`
    }
  </aside>`;
}

/** "Top class is cat or dog", "Attribution toward cat: helps"; with numbers where there are several. */
function title(atlas: Atlas, { kind, classes, sign }: Filter): TemplateResult {
  const names = classes.map((index, place) => {
    const number = classes.length > 1 ? html`<b class="side-mark">${place + 1}</b> ` : nothing;
    return html`${place > 0 ? ' or ' : ''}${number}${shorten(className(atlas, index), NAME)}`;
  });
  const values = atlas.labels === null ? ' (predictions)' : '';
  return kind === 'top'
    ? html`Top class is ${names}${values}`
    : html`Attribution ${SIGN_WORDS[sign]} ${names}`;
}

function key({ kind, sign }: Filter, found: FilterResult, { rows }: Level): TemplateResult {
  const [low, high] = found.range ?? [0, 0];
  const line = (mark: string, words: string) =>
    html`<li><i class=${mark}></i><span>${words}</span></li>`;
  const known = found.range !== null;
  const lines = [];
  if (kind === 'top') {
    const shares = known ? `: its share is ${percent(low)} to ${percent(high)}` : '';
    lines.push(line('passes', `passes${shares}`));
  } else {
    const far = (value: number, word: string) =>
      known ? `, ${word} ${formatFractionWithSign(value, found.most)}` : '';
    if (sign !== 'hurts')
      lines.push(line('helps', `attribution for it${far(Math.max(0, high), 'up to')}`));
    if (sign !== 'helps')
      lines.push(line('hurts', `attribution against it${far(Math.min(0, low), 'down to')}`));
  }
  if (found.sparse > 0) {
    lines.push(line('few', `under ${MIN_SUPPORT} samples, not ranked: ${count(found.sparse)}`));
  }
  const failing = rows.length - found.passing;
  if (failing > 0) lines.push(line('dim', `does not pass: ${count(failing)}`));
  return html`<ul class="filter-key">
    ${lines}
  </ul>`;
}

function scaleWords(
  { kind }: Filter,
  found: FilterResult,
  most: number,
  { compare, compareMode }: State,
): string {
  if (found.passing === 0) return 'No cell of this grid passes.';
  const swipes = compare !== null && compareMode === 'swipe';
  const whose = swipes ? ' Ranges and counts above are those of B.' : '';
  if (kind === 'top') return `Brightest: a share of 100%. Paler cells have less.${whose}`;
  const where = compare === null ? 'on this grid' : 'of A and B';
  const of = found.ranked.length > 0 ? 'cell' : 'cell (few samples)';
  return `Brightest: ${formatFractionWithSign(most).slice(1)} logits, the strongest ${of} ${where}. Paler cells have less.${whose}`;
}

/** The result as a sentence for screen readers. */
export function filterSentence(atlas: Atlas, level: Level, filter: Filter): string {
  const found = applyFilter(atlas, level, filter);
  if (typeof found === 'string') return found;
  const best = found.ranked[0];
  if (best === undefined) return tally(found, level);
  const value = found.values[best] as number;
  const says = filter.kind === 'top' ? percent(value) : formatFractionWithSign(value, found.most);
  const where = `row ${(level.rows[best] as number) + 1}, column ${(level.cols[best] as number) + 1}`;
  return `${tally(found, level)}; strongest at ${where}: ${says}`;
}
