// SPDX-License-Identifier: Apache-2.0
/** Everything about more than one step: events, lifelines, drift, comparison. */

import { html, nothing, type TemplateResult } from 'lit';
import { type Atlas, type Level, levelOf } from './atlas';
import { centreOf } from './cells';
import { classAtlasOf } from './class_atlas';
import { dividerAt } from './compare';
import type { Change } from './difference';
import type { Evidence } from './evidence';
import { count } from './format';
import type { RunEvent } from './history';
import { highlightedRows, jumpTo } from './jump';
import type { AtlasMap } from './map/atlas_map';
import { drawDifference, drawDivider } from './map/difference_layer';
import { Director } from './map/director';
import { drawChange, drawDrift } from './map/drift_layer';
import { drawHighlight } from './map/highlight_layer';
import type { Layer } from './map/overlay';
import { compareBar, dividerSlider } from './panels/compare_bar';
import { differenceLegend, differenceOf, differenceSentence } from './panels/difference_legend';
import { driftLegend, driftOf, driftSentence } from './panels/drift_legend';
import { EventList } from './panels/event_list';
import { eventMarks, sideMark } from './panels/event_marks';
import { layoutSwitch } from './panels/layout_switch';
import { highlightPill, highlightSentence } from './panels/lifeline_list';
import { toolHint } from './panels/tool_hint';
import { atlasOnScreen, Reference } from './reference';
import type { Session } from './session';
import type { State } from './store';

export class Evolution {
  readonly director = new Director();
  readonly #list: EventList;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    update: () => void,
    private readonly evidence: Evidence,
  ) {
    this.#list = new EventList(session, map, update);
    new Reference(session);
  }

  /** What is drawn over the tiles. */
  layers(state: State): readonly Layer[] {
    const { highlight, drift, compare, flipped } = state;
    const layers: Layer[] = [];
    if (compare !== null && !flipped) layers.push(...this.#comparison(state));
    if (highlight !== null) {
      layers.push((context, frame) =>
        drawHighlight(context, frame, highlightedRows(frame.atlas, highlight)),
      );
    }
    if (drift && !flipped) {
      layers.push((context, frame) => {
        const found = driftOf(state, frame.atlas, frame.level, this.evidence);
        if (typeof found === 'string') return;
        if ('from' in found) drawDrift(context, frame, found);
        else drawChange(context, frame, found);
      });
    }
    return layers;
  }

  #comparison(state: State): readonly Layer[] {
    const { compareMode, compare, step } = state;
    if (compareMode === 'blink') return [];
    if (compareMode === 'swipe') {
      const [left, right] = [`A · step ${count(compare ?? 0)}`, `B · step ${count(step ?? 0)}`];
      return [
        (context, frame) =>
          drawDivider(context, frame, dividerAt(state, frame.viewport), left, right),
      ];
    }
    return [
      (context, frame) => {
        const found = differenceOf(state, frame.atlas, frame.level);
        if (typeof found !== 'string') drawDifference(context, frame, found);
      },
    ];
  }

  /** Above the legend. */
  legends(state: State, atlas: Atlas, level: Level): TemplateResult | typeof nothing {
    const { compare, compareMode, flipped, drift } = state;
    if (flipped) return nothing;
    const differs = compare !== null && compareMode === 'difference';
    return html`${differs ? differenceLegend(state, atlas, level, this.#go(level)) : nothing}
    ${drift ? driftLegend(this.session, atlas, level, this.evidence) : nothing}`;
  }

  /** Pins the square of a change and brings it into view. */
  #go({ size }: Level): (change: Change) => void {
    return ({ row, col }) => {
      const { store } = this.session;
      const place = { size, row, col };
      store.set({ pinned: place, hover: null });
      this.map.flyTo({ ...centreOf(place), z: store.state.camera.z });
    };
  }

  /** What a screen reader should hear of a change, or null. */
  sentence(state: State, before: State): string | null {
    const { atlas, shownLevel, highlight, flipped } = state;
    const level = levelOf(atlas, shownLevel);
    if (!atlas || !level) return null;
    if (flipped !== before.flipped) return flipped ? 'A is shown' : 'B is shown';
    if (highlight !== null && highlight !== before.highlight) {
      return highlightSentence(atlas, level, highlight);
    }
    const telling = told(state);
    const moved = telling === 'difference' && atlas !== before.atlas && !state.playing;
    const fresh = telling !== told(before) || state.other !== before.other || moved;
    if (!telling || !fresh) return null;
    if (telling === 'difference') {
      const found = differenceOf(state, atlas, level);
      return typeof found === 'string' ? found : differenceSentence(state, found);
    }
    const found = driftOf(state, atlas, level, this.evidence);
    return typeof found === 'string' ? found : driftSentence(state, found);
  }

  /** Signs over the time line. */
  marks(state: State): TemplateResult {
    const jump = (event: RunEvent) => jumpTo(event, this.session, this.map);
    return html`${eventMarks(state, jump)} ${sideMark(state)}`;
  }

  /** Beside the name of the run. */
  layouts(state: State): TemplateResult | typeof nothing {
    return layoutSwitch(state, this.session);
  }

  /** Below the bar at the head of the tab. */
  strip(state: State): TemplateResult | typeof nothing {
    return compareBar(state, this.session);
  }

  /** At the left of the stage. */
  rail(state: State): TemplateResult | typeof nothing {
    return this.#list.render(state);
  }

  /** Over the middle of the map. */
  top(state: State): TemplateResult {
    const { highlight } = state;
    const atlas = atlasOnScreen(state);
    const level = levelOf(atlas, state.shownLevel);
    return html`${dividerSlider(state, this.session)}
      <div class="top-column ${atlas && classAtlasOf(atlas)?.axis ? 'below-axis' : ''}">
        ${toolHint(state)}
      ${
        highlight && atlas && level ? highlightPill(atlas, level, highlight, this.session) : nothing
      }
    </div>`;
  }
}

/** What of two steps is told in words, if anything. */
function told({ compare, compareMode, drift }: State): 'difference' | State['drift'] {
  if (compare !== null && compareMode === 'difference') return 'difference';
  return drift;
}
