// SPDX-License-Identifier: Apache-2.0
/** What can be asked about classes, concepts and steps, as one chunk that comes with the first question. */

import { html, nothing, type TemplateResult } from 'lit';
import type { Evidence } from '../domain/nearest_samples';
import { ClassFilter } from '../features/class_filter/class_filter_controller';
import { Changes } from '../features/compare/compare_controller';
import { EventList } from '../features/events/event_list';
import { FilmStrip } from '../features/events/film_strip';
import { ShortcutSearch } from '../features/shortcuts/shortcuts_controller';
import type { AtlasMap } from '../map/atlas_map';
import type { Layer } from '../map/overlay';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import type { CellContext } from '../ui/cell_view';
import type { Atlas, Level } from '../wire/atlas';
import { helpDialog } from './help';

export class Asked {
  readonly #filter: ClassFilter;
  readonly #shortcuts: ShortcutSearch;
  readonly #film: FilmStrip;
  readonly #events: EventList;
  readonly #changes: Changes;

  constructor(
    private readonly session: Session,
    map: AtlasMap,
    update: () => void,
    evidence: Evidence,
  ) {
    this.#filter = new ClassFilter(session, map, update);
    this.#shortcuts = new ShortcutSearch(session, map, update);
    this.#film = new FilmStrip(session, map, update);
    this.#events = new EventList(session, map, update);
    this.#changes = new Changes(session, map, evidence);
  }

  /** Whether all that it shows is on screen. */
  complete(state: State): boolean {
    return this.#shortcuts.complete(state);
  }

  /** What is drawn over the tiles, below and above what is lit. */
  layers(state: State, lit: readonly Layer[]): readonly Layer[] {
    return [
      ...this.#filter.layers(state),
      ...this.#changes.comparison(state),
      ...lit,
      ...this.#changes.drift(state),
    ];
  }

  /** Above the legend. */
  legends(state: State, atlas: Atlas, level: Level): TemplateResult {
    return html`${this.#filter.legends(state, atlas, level)}
    ${this.#changes.legends(state, atlas, level)}`;
  }

  /** A section of the inspector. */
  voices(context: CellContext): TemplateResult {
    return this.#filter.voices(context);
  }

  /** A line of the card and of the inspector. */
  moves(context: CellContext): TemplateResult | typeof nothing {
    return this.#changes.line(context);
  }

  /** Below its lifelines. */
  film(context: CellContext): TemplateResult | typeof nothing {
    return this.#film.render(context);
  }

  /** At the left of the stage. */
  rail(state: State): TemplateResult | typeof nothing {
    if (state.filterOpen) return this.#filter.rail(state);
    return state.shortcut === '' ? this.#events.render(state) : this.#shortcuts.rail(state);
  }

  /** A button for the bar at the head of the tab. */
  tool(state: State): TemplateResult | typeof nothing {
    return this.#shortcuts.tool(state);
  }

  /** Below that bar. */
  strip(state: State): TemplateResult | typeof nothing {
    return this.#changes.strip(state);
  }

  /** Over the map. */
  top(state: State): TemplateResult | typeof nothing {
    return this.#changes.divider(state);
  }

  /** Over all of the tab. */
  help({ help }: State): TemplateResult | typeof nothing {
    return help ? helpDialog(() => this.session.store.set({ help: false })) : nothing;
  }

  /** What a screen reader should hear of a change, or null. */
  sentence(state: State, before: State): string | null {
    for (const part of [this.#filter, this.#shortcuts, this.#changes]) {
      const sentence = part.sentence(state, before);
      if (sentence !== null) return sentence;
    }
    return null;
  }
}
