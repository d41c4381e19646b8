// SPDX-License-Identifier: Apache-2.0
/** Opens the search and shows its results on the map. */

import { nothing, type TemplateResult } from 'lit';
import { classAtlasOf } from '../../domain/class_atlas';
import { writeFilter } from '../../domain/class_filter';
import type { Highlight } from '../../domain/display_types';
import { highlightedRows } from '../../domain/highlight';
import { rowsOf } from '../../domain/sample_rows';
import type { Selection } from '../../domain/selection';
import type { AtlasMap } from '../../map/atlas_map';
import { atlasOnScreen } from '../../state/reference_step';
import { readSavedSelections, showSavedSelection } from '../../state/saved_selections';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { closeUp } from '../../state/zoom_to_cell';
import { plural } from '../../util/format';
import { type Atlas, type Level, levelOf } from '../../wire/atlas';
import type { Feature } from '../feature';
import { findResults, frameOf, type Results, type Target } from './map_search';
import { SearchBox } from './search_box';

export class SearchController implements Feature {
  #box: SearchBox | null = null;
  #saved: readonly Selection[] = [];
  #last: { readonly level: Level; readonly search: string; readonly found: Results } | null = null;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
  ) {}

  stage(state: State): TemplateResult | typeof nothing {
    const atlas = atlasOnScreen(state);
    const level = levelOf(atlas, state.shownLevel);
    if (!state.finding || !atlas || !level) {
      this.#box = null;
      this.#last = null;
      return nothing;
    }
    if (this.#box === null) {
      this.#box = new SearchBox(this.update);
      this.#saved = readSavedSelections();
    }
    return this.#box.render({
      find: (search) => this.#find(atlas, level, search),
      say: (found) => this.#say(found),
      choose: (target, name) => this.#go(atlas, target, name),
      close: () => this.#close(),
    });
  }

  #find(atlas: Atlas, level: Level, search: string): Results {
    const last = this.#last;
    if (last?.level === level && last.search === search) return last.found;
    const found = findResults(atlas, level, search, this.#saved);
    this.#last = { level, search, found };
    return found;
  }

  /** The list is not announced until the user moves in it. */
  #say({ list, more }: Results): void {
    this.session.store.set({
      said: list.length === 0 ? 'Nothing found' : plural(list.length + more, 'result'),
    });
  }

  #close(): void {
    const { store } = this.session;
    store.set({ finding: false });
    const root = this.map.getRootNode() as ShadowRoot;
    const table = store.state.table ? root.querySelector<HTMLElement>('.table-body') : null;
    (table ?? this.map).focus();
  }

  #go(atlas: Atlas, target: Target, name: string): void {
    const { store } = this.session;
    // Samples are highlighted on the map only; classes and cells are in the table, too.
    if (target.kind !== 'class' && target.kind !== 'cell') store.set({ table: false });
    this.#close();
    if (target.kind === 'cell') {
      const { place } = target;
      store.set({ pinned: place, hover: null, said: `Pinned: ${name}` });
      this.map.flyTo(closeUp(store.state, this.map.viewport, place));
    } else if (target.kind === 'class') {
      const filter = writeFilter({ kind: 'top', classes: [target.index], sign: 'helps' });
      store.set({ ...filter, highlight: null });
      const rows = rowsOf(atlas.labels ?? atlas.predictions, [target.index]);
      if (rows.length > 0) this.map.flyTo(frameOf(atlas, rows));
    } else if (target.kind === 'selection') {
      showSavedSelection(this.session, target.selection);
    } else {
      const { kind, id } = target;
      const lit: Highlight = { ids: [id], name, event: null };
      const only = kind === 'sample' && classAtlasOf(atlas) ? { atlas: atlas.key } : {};
      const highlight = kind === 'concept' ? lit : { ...lit, of: kind, ...only };
      store.set({ highlight });
      this.map.flyTo(frameOf(atlas, highlightedRows(atlas, highlight)));
    }
  }
}
