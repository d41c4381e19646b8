// SPDX-License-Identifier: Apache-2.0
/** The legend of the shown map, the last one in the column of legends. */

import type { TemplateResult } from 'lit';
import { highlightedConcept, toggleConcept } from '../../domain/highlight';
import { coloring } from '../../domain/map_colors';
import type { AtlasMap } from '../../map/atlas_map';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import type { Atlas, Level } from '../../wire/atlas';
import type { Feature } from '../feature';
import { legendPanel } from './legend';

/** From this width on the legend's key begins open. */
const ROOMY_STAGE = 900;

export class LegendController implements Feature {
  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
  ) {}

  legend(state: State, atlas: Atlas, level: Level): TemplateResult {
    const { legend } = coloring(atlas, level, state.color, state.dark);
    const open = this.map.viewport.width >= ROOMY_STAGE;
    const concepts = {
      pressed: highlightedConcept(state.highlight),
      press: (id: number, name: string) =>
        this.session.store.set({ highlight: toggleConcept(state.highlight, id, name) }),
    };
    return legendPanel(atlas, level, legend, state.show, open, concepts, state.inView);
  }
}
