// SPDX-License-Identifier: Apache-2.0
/** The cells of the shown level as a table. */

import { html, nothing, type TemplateResult } from 'lit';
import {
  type ChangeColumn,
  type Key,
  ORDERS,
  type Order,
  passing,
  type Row,
  sortRows,
} from '../../domain/cell_rows';
import { readFilter } from '../../domain/class_filter';
import { type CellPlace, samePlace } from '../../domain/display_types';
import { iconPlace } from '../../domain/icon_sprites';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { KIND_NAMES } from '../../ui/cell_view';
import { count, fraction, percent, plural, shorten } from '../../util/format';
import { type Atlas, className, type Level } from '../../wire/atlas';
import { formatFractionWithSign } from '../../wire/attribution';

/** Number of rows of a page. */
const PAGE = 50;
const NAME = 40;

const HEADS: readonly (readonly [Order, string])[] = [
  ['place', 'Cell'],
  ['count', 'Samples'],
  ['cosine', 'Cosine'],
  ['kind', 'Icon type'],
  ['top', 'Top class'],
  ['share', 'Its share'],
  ['attribution', 'Strongest attribution'],
];

const SIGNIFICANCE: Readonly<Record<string, string>> = {
  true: 'significant',
  false: 'not significant',
  null: 'significance unknown',
};

/** A column after those that every table has. */
export interface TableColumn extends Pick<ChangeColumn, 'name' | 'values' | 'say'> {
  readonly key: ChangeColumn['key'] | 'similar';
  /** Absent for a column that is not about a change. */
  readonly significant?: ChangeColumn['significant'];
}

interface Columns {
  readonly columns: readonly TableColumn[];
  readonly sentences: readonly string[];
}

export interface Shown {
  readonly state: State;
  readonly session: Session;
  readonly atlas: Atlas;
  readonly level: Level;
  readonly changed: Columns;
  /** Shows a cell on the map. */
  go(place: CellPlace): void;
  key(event: KeyboardEvent): void;
}

/** Keeps the order and the page. */
export class CellTable {
  #order: Order | TableColumn['key'] = 'count';
  #descending = true;
  #page = 0;

  constructor(private readonly update: () => void) {}

  render(shown: Shown): TemplateResult {
    const { state, atlas, level, changed } = shown;
    const filter = readFilter(state);
    const { rows, values } = passing(atlas, level, filter);
    const sorted = sortRows(rows, this.#key(changed), this.#descending);
    const pages = Math.max(1, Math.ceil(sorted.length / PAGE));
    this.#page = Math.min(this.#page, pages - 1);
    const from = this.#page * PAGE;
    const page = sorted.slice(from, from + PAGE);
    const cells = plural(level.rows.length, 'cell');
    const all = values === null ? cells : `${count(rows.length)} of ${cells} pass the class filter`;
    return html`<section class="cell-table" aria-label="Cells of the grid" @keydown=${shown.key}>
      <div class="table-head">
        <h2>${all} <span class="muted">of the ${level.size} × ${level.size} grid</span></h2>
        ${pages > 1 ? this.#pager(from, page.length, sorted.length, pages) : nothing}
        ${changed.sentences.map((sentence) => html`<p class="table-note">${sentence}</p>`)}
      </div>
      <div class="table-body" tabindex="0" role="region" aria-label="Rows">
        <table>
          <thead>
            <tr>
              <th scope="col">Icon</th>
              ${HEADS.map(([order, name]) => this.#head(order, name))}
              ${changed.columns.map(({ key, name }) => this.#head(key, name))}
              <th scope="col"><span class="hidden">On the map</span></th>
            </tr>
          </thead>
          <tbody>
            ${page.map((row) => this.#row(shown, row))}
          </tbody>
        </table>
      </div>
    </section>`;
  }

  #pager(from: number, length: number, of: number, pages: number): TemplateResult {
    const turn = (by: number, name: string) => html`<button
      type="button"
      class="button"
      ?disabled=${this.#page + by < 0 || this.#page + by >= pages}
      @click=${() => this.#turn(this.#page + by)}
    >
      ${name}
    </button>`;
    return html`<span class="pager" role="group" aria-label="Pages">
      <span class="number">${count(from + 1)}–${count(from + length)} of ${count(of)}</span>
      ${turn(-1, 'Previous')} ${turn(1, 'Next')}
    </span>`;
  }

  #key({ columns }: Columns): Key {
    const column = columns.find(({ key }) => key === this.#order);
    if (column) return ({ cell }) => known(column.values[cell]);
    // Reset the order if its column is no longer shown.
    if (!(this.#order in ORDERS)) this.#order = 'count';
    return ORDERS[this.#order as Order];
  }

  #head(order: Order | TableColumn['key'], name: string): TemplateResult {
    const here = order === this.#order;
    const sense = this.#descending ? 'descending' : 'ascending';
    return html`<th scope="col" aria-sort=${here ? sense : nothing}>
      <button type="button" @click=${() => this.#sort(order)}>
        ${name}<span aria-hidden="true">${here ? (this.#descending ? '▾' : '▴') : ''}</span>
      </button>
    </th>`;
  }

  #row({ state, session, atlas, level, changed, go }: Shown, row: Row): TemplateResult {
    const { cosine, top, attribution } = row;
    const place = { size: level.size, row: row.row, col: row.col };
    const name = `row ${row.row + 1}, column ${row.col + 1}`;
    const pinned = samePlace(place, state.pinned);
    const pin = () => session.store.set({ pinned: pinned ? null : place, hover: null });
    const nameOf = (index: number) => shorten(className(atlas, index), NAME);
    return html`<tr class=${pinned ? 'pinned' : ''}>
      <td>${icon(session, atlas, level, row.cell)}</td>
      <th scope="row">
        <button type="button" class="link" aria-pressed=${pinned} title="Pin" @click=${pin}>
          ${name}
        </button>
      </th>
      <td>${count(row.count)} <span class="muted">${percent(row.share)}</span></td>
      <td>${cosine === null ? '–' : fraction(cosine)}</td>
      <td>${KIND_NAMES[row.kind]}</td>
      <td>${top ? nameOf(top.index) : '–'}</td>
      <td>${top ? percent(top.share) : '–'}</td>
      <td>
        ${
          attribution
            ? html`${attribution.value > 0 ? 'for' : 'against'} ${nameOf(attribution.index)}
                <span class="muted">${formatFractionWithSign(attribution.value)}</span>`
            : '–'
        }
      </td>
      ${changed.columns.map((column) => changeOf(column, row.cell))}
      <td>
        <button
          type="button"
          class="link"
          aria-label="Show ${name} on the map"
          @click=${() => go(place)}
        >
          On the map
        </button>
      </td>
    </tr>`;
  }

  /** A second press turns the order round; names begin at A, numbers with the largest. */
  #sort(order: Order | TableColumn['key']): void {
    this.#descending =
      order === this.#order ? !this.#descending : !['place', 'kind', 'top'].includes(order);
    this.#order = order;
    this.#turn(0);
  }

  #turn(page: number): void {
    this.#page = page;
    this.update();
  }
}

function changeOf({ values, significant, say }: TableColumn, cell: number): TemplateResult {
  const value = known(values[cell]);
  if (value === null) return html`<td>–</td>`;
  const word = significant && SIGNIFICANCE[String(significant(cell))];
  return html`<td>${say(value)} <span class="muted">${word}</span></td>`;
}

function known(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

function icon(
  session: Session,
  atlas: Atlas,
  level: Level,
  cell: number,
): TemplateResult | typeof nothing {
  const place = iconPlace(level, cell);
  const picture = place && session.pages.icon(atlas, level, place.page);
  if (!place || !picture) return nothing;
  const { x, y, side } = place;
  return html`<atlas-crop
    class="patch"
    .crop=${{ picture, rect: { x, y, width: side, height: side } }}
  ></atlas-crop>`;
}
