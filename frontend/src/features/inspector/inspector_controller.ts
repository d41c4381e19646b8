// SPDX-License-Identifier: Apache-2.0
/** Shows the card of the hovered cell and the inspector of the pinned cell. */

import { html, nothing, type TemplateResult } from 'lit';
import { describeCell } from '../../domain/cell_stats';
import { type CellPlace, samePlace } from '../../domain/display_types';
import type { AtlasMap } from '../../map/atlas_map';
import type { OverlayPainter } from '../../map/overlay';
import { atlasOnScreen } from '../../state/reference_step';
import type { State } from '../../state/store';
import type { CellContext } from '../../ui/cell_view';
import '../../ui/crop_canvas';
import { INSPECTOR_ROOM } from '../../ui/card_placement';
import { type Atlas, levelOf } from '../../wire/atlas';
import type { Feature, FeatureContext } from '../feature';
import { card } from './hover_card';
import { inspector, type Selection } from './inspector';
import { paintSimilar } from './similar_cells_list';

/** Narrower than this the map is looked at alone, or the panel is. */
const LEAST_ROOM = 440;

export class InspectorController implements Feature {
  #chosenSample: number | null = null;

  constructor(private readonly context: FeatureContext) {
    const { map, session } = context;
    map.cover = () => coveredBy(map, '.inspector');
    session.store.subscribe(({ pinned }, before) => {
      if (pinned === null || samePlace(pinned, before.pinned)) return;
      // Once the inspector is there, and under what it covers.
      queueMicrotask(() => map.reveal(pinned));
    });
  }

  ready({ similar, pinned }: State): boolean {
    return !similar || pinned === null || this.context.nearest.idle;
  }

  overlays({ similar, pinned }: State): readonly OverlayPainter[] {
    return similar && pinned ? [paintSimilar(this.context.nearest, pinned)] : [];
  }

  stage(state: State): TemplateResult | typeof nothing {
    const atlas = atlasOnScreen(state);
    if (!atlas || !levelOf(atlas, state.shownLevel)) return nothing;
    return html`${this.#inspector(state, atlas)} ${this.#card(state, atlas)}`;
  }

  #card(state: State, atlas: Atlas): TemplateResult | typeof nothing {
    const { hover, pinned, panes } = state;
    // It would cover the highlighted cells of the other panes.
    if (panes !== '') return nothing;
    const cell = hover && this.#describe(state, atlas, hover);
    // The inspector contains everything that the card shows.
    if (!hover || !cell || samePlace(hover, pinned)) return nothing;
    const { map, cardLines } = this.context;
    const { width, height } = map.viewport;
    const taken = state.pinned === null ? 0 : INSPECTOR_ROOM;
    return card(cell, map.boxOf(hover), { width: width - taken, height }, cardLines(cell));
  }

  #inspector(state: State, atlas: Atlas): TemplateResult | typeof nothing {
    const { pinned } = state;
    if (pinned === null) return nothing;
    const { session, update, inspectorSections } = this.context;
    const selection: Selection = {
      sample: this.#chosenSample,
      choose: (sample) => {
        this.#chosenSample = sample;
        update();
      },
    };
    const close = () => session.store.set({ pinned: null });
    const cell = this.#describe(state, atlas, pinned);
    return inspector(cell, selection, close, cell ? inspectorSections(cell) : nothing);
  }

  #describe(state: State, atlas: Atlas, place: CellPlace): CellContext | null {
    const { session, nearest } = this.context;
    const level = levelOf(atlas, place.size);
    const facts = level && describeCell(atlas, level, place.row, place.col);
    if (!level || !facts) return null;
    return { state, session, nearest, atlas, level, facts };
  }
}

/** Width of the map under a panel at its right; 0 if too little would be left. */
function coveredBy(map: AtlasMap, panel: string): number {
  const found = (map.getRootNode() as ShadowRoot).querySelector(panel);
  if (found === null) return 0;
  const [shown, over] = [map.getBoundingClientRect(), found.getBoundingClientRect()];
  const free = over.left - shown.left;
  return free < LEAST_ROOM ? 0 : Math.max(0, shown.right - over.left);
}
