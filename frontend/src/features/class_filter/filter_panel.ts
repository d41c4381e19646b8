// SPDX-License-Identifier: Apache-2.0
/** The panel of the class filter: classes, mode, and the strongest cells. */

import { html, nothing, type TemplateResult } from 'lit';
import { classAtlasOf } from '../../domain/class_atlas';
import { listClasses } from '../../domain/class_choices';
import {
  applyFilter,
  type Filter,
  type FilterResult,
  type Kind,
  MIN_SUPPORT,
  readFilter,
  type Sign,
  writeFilter,
} from '../../domain/class_filter';
import type { AtlasMap } from '../../map/atlas_map';
import { atlasOnScreen } from '../../state/reference_step';
import type { Session } from '../../state/session';
import { shortcutSeriesOf } from '../../state/shortcut_series';
import type { State } from '../../state/store';
import { closeUp } from '../../state/zoom_to_cell';
import { moveFocus } from '../../ui/list_focus';
import { panelHead } from '../../ui/panel_head';
import { segments } from '../../ui/segmented_control';
import { count, percent, plural, shorten } from '../../util/format';
import { type Atlas, className, type Level, levelOf } from '../../wire/atlas';
import { formatFractionWithSign } from '../../wire/attribution';
import { classLinks, missingAtlases } from './class_atlas_links';
import { ClassPicker } from './class_picker';

/** Maximum number of listed cells. */
const STRONGEST = 10;
const NAME = 40;

const KIND_NAMES: Readonly<Record<Kind, string>> = {
  top: 'Top class is',
  toward: 'Attribution toward',
};
const SIGN_NAMES: Readonly<Record<Sign, string>> = { helps: 'For', hurts: 'Against', both: 'Both' };

export class FilterPanel {
  readonly #picker: ClassPicker;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    update: () => void,
  ) {
    this.#picker = new ClassPicker(update);
  }

  render(state: State): TemplateResult {
    const filter = readFilter(state);
    const atlas = atlasOnScreen(state);
    const level = levelOf(atlas, state.shownLevel);
    return html`<aside class="events filter" aria-label="Class filter">
      ${panelHead('Filter by class', 'Close the class filter', 'f', () => this.#close())}
      ${this.#kinds(filter)}
      ${filter.kind === 'toward' ? this.#signs(filter) : nothing}
      ${
        atlas
          ? html`${this.#chips(atlas, filter)}${this.#picker.render({
              choices: listClasses(atlas),
              chosen: filter.classes,
              toggle: (index) => this.#toggle(filter, index),
              leave: () => this.map.focus(),
            })}`
          : nothing
      }
      ${atlas ? classLinks(state, this.session, atlas, filter.classes) : nothing}
      ${atlas && level ? this.#result(atlas, level, filter) : nothing}
      ${atlas ? missingAtlases(state, atlas, filter.classes) : nothing}
      ${
        shortcutSeriesOf(state) === null && !(atlas && classAtlasOf(atlas))
          ? html`<p class="muted">
              Shortcuts to a class were not searched for in this run:
              <code>AtlasWriter(..., shortcuts=True)</code>
            </p>`
          : nothing
      }
    </aside>`;
  }

  #kinds(filter: Filter): TemplateResult {
    const choose = (kind: Kind) => this.#set({ ...filter, kind });
    return choice('Which cells', 'filter-kind', KIND_NAMES, filter.kind, choose);
  }

  #signs(filter: Filter): TemplateResult {
    const choose = (sign: Sign) => this.#set({ ...filter, sign });
    return choice('Sign of the attribution', 'filter-sign', SIGN_NAMES, filter.sign, choose);
  }

  #chips(atlas: Atlas, filter: Filter): TemplateResult | typeof nothing {
    const { classes } = filter;
    if (classes.length === 0) return nothing;
    return html`<ul class="chips" aria-label="Selected classes">
      ${classes.map((index, place) => {
        const name = shorten(className(atlas, index), NAME);
        return html`<li>
          <button
            type="button"
            class="chip"
            title="Remove"
            @click=${() => this.#toggle(filter, index)}
          >
            <span class="hidden">Remove</span>
            ${classes.length > 1 ? html`<b class="side-mark">${place + 1}</b>` : nothing}
            <span class="name">${name}</span><span aria-hidden="true">×</span>
          </button>
        </li>`;
      })}
    </ul>`;
  }

  #result(atlas: Atlas, level: Level, filter: Filter): TemplateResult | typeof nothing {
    if (filter.classes.length === 0) {
      return html`<p class="muted">Select a class to highlight its cells.</p>`;
    }
    const found = applyFilter(atlas, level, filter);
    if (typeof found === 'string') return html`<p>${found}</p>`;
    return html`<section class="strongest">
      <h3>Strongest cells <span class="muted">${tally(found, level)}</span></h3>
      ${
        found.ranked.length === 0
          ? html`<p class="muted">None with ${MIN_SUPPORT} samples or more on this grid.</p>`
          : html`<ol @keydown=${moveFocus}>
              ${found.ranked.slice(0, STRONGEST).map((cell) => this.#cell(atlas, level, filter, found, cell))}
            </ol>`
      }
    </section>`;
  }

  #cell(
    atlas: Atlas,
    level: Level,
    { kind, classes }: Filter,
    { values, which, most }: FilterResult,
    cell: number,
  ): TemplateResult {
    const value = values[cell] as number;
    const index = classes[which[cell] as number] ?? -1;
    const samples = plural(level.counts[cell] as number, 'sample');
    const share = kind === 'top' ? value : Math.abs(value) / most;
    return html`<li>
      <button type="button" class="event" @click=${() => this.#fly(level, cell)}>
        <span class="event-head">
          <span>row ${(level.rows[cell] as number) + 1}, column ${(level.cols[cell] as number) + 1}</span>
          <span class="number">${kind === 'top' ? percent(value) : formatFractionWithSign(value, most)}</span>
        </span>
        <span class="meter ${value < 0 ? 'hurts' : ''}"><i style="width:${100 * share}%"></i></span>
        <span class="muted"
          >${classes.length > 1 ? `${shorten(className(atlas, index), NAME)} · ` : ''}${samples}</span
        >
      </button>
    </li>`;
  }

  #toggle(filter: Filter, index: number): void {
    const without = filter.classes.filter((one) => one !== index);
    const classes = without.length < filter.classes.length ? without : [...without, index];
    this.#set({ ...filter, classes });
  }

  /** A fifth class is cut off by what reads the filter. */
  #set(filter: Filter): void {
    const { kind, classes, sign } = readFilter(writeFilter(filter));
    this.session.store.set(writeFilter({ kind, classes, sign }));
  }

  #close(): void {
    this.session.store.set({ filterOpen: false });
    this.map.focus();
  }

  #fly({ size, rows, cols }: Level, cell: number): void {
    const [row, col] = [rows[cell] as number, cols[cell] as number];
    const { store } = this.session;
    store.set({ pinned: { size, row, col }, hover: null });
    this.map.flyTo(closeUp(store.state, this.map.viewport, { size, row, col }));
  }
}

function choice<T extends string>(
  label: string,
  group: string,
  names: Readonly<Record<T, string>>,
  chosen: T,
  choose: (value: T) => void,
): TemplateResult {
  return segments(label, group, Object.keys(names) as T[], (one) => names[one], chosen, choose);
}

/** "12 of 45 cells pass, 3 of them with fewer than 8 samples". */
export function tally({ passing, sparse }: FilterResult, { rows }: Level): string {
  const few = sparse > 0 ? `, ${count(sparse)} with fewer than ${MIN_SUPPORT} samples` : '';
  return `${count(passing)} of ${plural(rows.length, 'cell')} pass${few}`;
}
