// SPDX-License-Identifier: Apache-2.0
/** Shows the table in place of the map. */

import { nothing, type TemplateResult } from 'lit';
import type { NearestSamples } from '../../domain/nearest_samples';
import type { CellPlace } from '../../domain/view';
import type { AtlasMap } from '../../map/atlas_map';
import { commandOf } from '../../map/keyboard';
import { changesOf } from '../../state/change_columns';
import { atlasOnScreen } from '../../state/reference_step';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { closeUp } from '../../state/zoom_to_cell';
import { levelOf } from '../../wire/atlas';
import type { Feature } from '../feature';
import { CellTable } from './cell_table';

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
    return this.#table.render({
      state,
      session: this.session,
      atlas,
      level,
      changed: changesOf(state, atlas, level, this.nearest),
      go: (place) => this.#go(place),
      key: (event) => this.#key(event),
    });
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
