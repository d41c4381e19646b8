// SPDX-License-Identifier: Apache-2.0
/** Everything about more than one step: events, lifelines, drift, comparison; a chunk of its own. */

import { html, nothing, type TemplateResult } from 'lit';
import type { Level } from './atlas';
import { highlightedIds, jumpTo } from './jump';
import type { AtlasMap } from './map/atlas_map';
import { drawHighlight } from './map/highlight_layer';
import type { Layer } from './map/overlay';
import { EventList } from './panels/event_list';
import { eventMarks } from './panels/event_marks';
import { evolutionStyles } from './panels/evolution_styles';
import { highlightPill } from './panels/lifeline_list';
import { atlasOnScreen, Reference } from './reference';
import type { Session } from './session';
import type { State } from './store';

export class Evolution {
  static readonly styles = [evolutionStyles];

  readonly #list: EventList;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    update: () => void,
  ) {
    this.#list = new EventList(session, map, update);
    new Reference(session);
  }

  /** What is drawn over the tiles. */
  layers({ highlight }: State): readonly Layer[] {
    if (highlight === null) return [];
    return [
      (context, frame) =>
        drawHighlight(context, frame, highlightedIds(highlight, frame.atlas.step)),
    ];
  }

  /** Signs over the time line. */
  marks(state: State): TemplateResult | typeof nothing {
    return eventMarks(state, (event) => jumpTo(event, this.session, this.map));
  }

  /** At the left of the stage. */
  rail(state: State): TemplateResult | typeof nothing {
    return this.#list.render(state);
  }

  /** Over the middle of the map. */
  top(state: State): TemplateResult {
    const { highlight } = state;
    const atlas = atlasOnScreen(state);
    const level = atlas?.levels.find(({ size }) => size === state.shownLevel);
    return html`<div class="top-column">
      ${
        highlight && atlas && level
          ? highlightPill(atlas, level as Level, highlight, this.session)
          : nothing
      }
    </div>`;
  }
}
