// SPDX-License-Identifier: Apache-2.0
/** Everything about more than one step: events, lifelines, drift, comparison; a chunk of its own. */

import { html, nothing, type TemplateResult } from 'lit';
import type { Atlas, Level } from './atlas';
import { highlightedIds, jumpTo } from './jump';
import type { AtlasMap } from './map/atlas_map';
import { drawDrift } from './map/drift_layer';
import { drawHighlight } from './map/highlight_layer';
import type { Layer } from './map/overlay';
import { driftLegend, driftOf, driftSentence } from './panels/drift_legend';
import { EventList } from './panels/event_list';
import { eventMarks } from './panels/event_marks';
import { evolutionStyles } from './panels/evolution_styles';
import { highlightPill, highlightSentence } from './panels/lifeline_list';
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
  layers(state: State): readonly Layer[] {
    const { highlight, drift } = state;
    const layers: Layer[] = [];
    if (highlight !== null) {
      layers.push((context, frame) =>
        drawHighlight(context, frame, highlightedIds(highlight, frame.atlas.step)),
      );
    }
    if (drift) {
      layers.push((context, frame) => {
        const found = driftOf(state, frame.atlas, frame.level);
        if (typeof found !== 'string') drawDrift(context, frame, found);
      });
    }
    return layers;
  }

  /** Above the legend. */
  legends(state: State, atlas: Atlas, level: Level): TemplateResult | typeof nothing {
    return state.drift ? driftLegend(state, atlas, level) : nothing;
  }

  /** What a screen reader should hear of a change, or null. */
  sentence(state: State, before: State): string | null {
    const { atlas, shownLevel, drift, highlight } = state;
    const level = atlas?.levels.find(({ size }) => size === shownLevel);
    if (!atlas || !level) return null;
    if (highlight !== null && highlight !== before.highlight) {
      return highlightSentence(atlas, level, highlight);
    }
    if (!drift || (before.drift && state.other === before.other)) return null;
    const found = driftOf(state, atlas, level);
    return typeof found === 'string' ? found : driftSentence(state, found);
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
        highlight && atlas && level ? highlightPill(atlas, level, highlight, this.session) : nothing
      }
    </div>`;
  }
}
