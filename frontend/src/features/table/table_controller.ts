// SPDX-License-Identifier: Apache-2.0
/** Shows the table in place of the map. */

import { nothing, type TemplateResult } from 'lit';
import type { CellPlace } from '../../domain/display_types';
import type { NearestSamples } from '../../domain/nearest_samples';
import { similarCells } from '../../domain/similar_cells';
import type { AtlasMap } from '../../map/atlas_map';
import { commandOf } from '../../map/keybindings';
import { changesOf } from '../../state/change_columns';
import { atlasOnScreen } from '../../state/reference_step';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { closeUp } from '../../state/zoom_to_cell';
import { fraction } from '../../util/format';
import { type Atlas, cellAt, type Level, levelOf } from '../../wire/atlas';
import type { Feature } from '../feature';
import { CellTable, type TableColumn } from './cell_table';

/** Keys that act on the table itself or make no sense without a map. */
const IGNORED_COMMANDS = new Set([
  'cursor',
  'rowEnd',
  'pan',
  'zoom',
  'level',
  'fit',
  'pin',
  'play',
  'lasso',
  'block',
  'keep',
]);

export class TableController implements Feature {
  readonly #table: CellTable;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    update: () => void,
    private readonly nearest: NearestSamples,
  ) {
    this.#table = new CellTable(update);
    session.store.subscribe((state, before) => this.#follow(state, before.table));
    this.#follow(session.store.state, false);
  }

  stage(state: State): TemplateResult | typeof nothing {
    const atlas = atlasOnScreen(state);
    const level = levelOf(atlas, state.shownLevel);
    if (!state.table || !atlas || !level) return nothing;
    const changed = changesOf(state, atlas, level, this.nearest);
    const similar = this.#similarTo(state, atlas, level);
    return this.#table.render({
      state,
      session: this.session,
      atlas,
      level,
      changed: similar ? { ...changed, columns: [...changed.columns, similar] } : changed,
      go: (place) => this.#go(place),
      key: (event) => this.#key(event),
    });
  }

  /** Cosines of all cells to the pinned one, where activations are here. */
  #similarTo({ pinned, playing }: State, atlas: Atlas, level: Level): TableColumn | null {
    const own = pinned?.size === level.size ? cellAt(level, pinned.row, pinned.col) : -1;
    const activations = own < 0 ? '' : this.nearest.activations(atlas, !playing);
    if (typeof activations === 'string') return null;
    const values = new Float32Array(level.rows.length).fill(Number.NaN);
    for (const { cell, cosine } of similarCells(level, activations, own, values.length)) {
      values[cell] = cosine;
    }
    return { key: 'similar', name: 'Cosine to pinned', values, say: fraction };
  }

  /** Nobody shall come by Tab to a map that is covered; the focus goes where the eye does. */
  #follow({ table }: State, before: boolean): void {
    const { map } = this;
    if (table === before) return;
    const root = map.getRootNode() as ShadowRoot;
    const held = table ? map : root.querySelector('.cell-table');
    const moves = held?.contains(root.activeElement) === true;
    map.inert = table;
    if (!moves) return;
    if (table) requestAnimationFrame(() => root.querySelector<HTMLElement>('.table-body')?.focus());
    else map.focus();
  }

  /** Keys of the map that say something of the table, too. */
  #key(event: KeyboardEvent): void {
    const command = commandOf(event);
    if (command === null || IGNORED_COMMANDS.has(command.do)) return;
    event.preventDefault();
    this.map.dispatchEvent(new KeyboardEvent('keydown', event));
  }

  #go(place: CellPlace): void {
    const { store } = this.session;
    store.set({ table: false, pinned: place, hover: null });
    this.map.flyTo(closeUp(store.state, this.map.viewport, place));
  }
}
