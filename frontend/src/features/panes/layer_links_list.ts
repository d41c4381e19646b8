// SPDX-License-Identifier: Apache-2.0
/** Buttons that lead to linked cells of other layers. */

import { html, nothing, type TemplateResult } from 'lit';
import type { DepthMerge, LayerLevel } from '../../domain/comparison/layer_links';
import type { CellPlace } from '../../domain/display_types';
import type { Session } from '../../state/session';
import { cellIcon } from '../../ui/cell_view';
import { count, percent, shorten } from '../../util/format';
import { type Atlas, className, type Level } from '../../wire/atlas';

const MOST_ROWS = 6;
const SHOWN_CLASS = 40;

export interface CellRow {
  readonly atlas: Atlas;
  readonly level: Level;
  readonly cell: number;
  readonly share: number;
  readonly place: CellPlace;
  readonly go: () => void;
}

export interface MergeRow {
  readonly merge: DepthMerge;
  readonly whole: CellRow;
  readonly parts: readonly CellRow[];
}

/** Strongest first; a sentence in place of rows explains why there are none. */
export function linkSection(
  title: string,
  rows: readonly CellRow[] | string,
  session: Session,
): TemplateResult {
  const none = 'No cell there holds more of its samples than expected by chance.';
  return section(title, rows, none, (row) => html`<li>${cellButton(row, session, '')}</li>`);
}

export function mergeSection(
  title: string,
  rows: readonly MergeRow[] | string,
  { atlas }: LayerLevel,
  session: Session,
): TemplateResult {
  const none = 'No cells of this layer merge there into one with a purer class.';
  return section(
    title,
    rows,
    none,
    ({ merge, parts, whole }) =>
      html`<li class="merge">
        ${parts.map((part) => cellButton(part, session, 'Part: '))}
        <span class="becomes" aria-hidden="true">→</span>
        ${cellButton(whole, session, 'Becomes: ')}
        <span class="muted">${classWords(atlas, merge)}</span>
      </li>`,
  );
}

function classWords(atlas: Atlas, { label, purity, partPurity }: DepthMerge): string {
  if (label === null) return 'without labels';
  const name = shorten(className(atlas, label), SHOWN_CLASS);
  return `${name} ${percent(purity)}, in no part over ${percent(partPurity)}`;
}

function section<T>(
  title: string,
  rows: readonly T[] | string,
  none: string,
  item: (row: T) => TemplateResult,
): TemplateResult {
  const list = typeof rows === 'string' ? [] : rows;
  const more = list.length - MOST_ROWS;
  return html`<section class="across-list">
    <h3>${title}</h3>
    ${
      list.length === 0
        ? html`<p class="muted">${typeof rows === 'string' ? rows : none}</p>`
        : html`<ul>
            ${list.slice(0, MOST_ROWS).map(item)}
          </ul>`
    }
    ${more > 0 ? html`<p class="muted">and ${count(more)} more</p>` : nothing}
  </section>`;
}

function cellButton(row: CellRow, session: Session, what: string): TemplateResult {
  const { atlas, level, cell, share, place, go } = row;
  return html`<button type="button" class="cell-button" @click=${go}>
    ${cellIcon(session, atlas, level, cell, 'small-icon')}
    <span><span class="hidden">${what}</span>row ${place.row + 1}, column ${place.col + 1}</span>
    <span class="meter" aria-hidden="true"><i style="width:${100 * share}%"></i></span>
    <span class="number">${percent(share)}</span>
  </button>`;
}
