// SPDX-License-Identifier: Apache-2.0
/** Draws borders and names of concepts, and highlights the concept whose name is clicked. */

import { toWorld } from '../../domain/camera';
import { isInside, type PlacedName, territoriesOf } from '../../domain/concept_territories';
import { toggleConcept } from '../../domain/highlight';
import type { AtlasMap } from '../../map/atlas_map';
import type { OverlayPainter } from '../../map/overlay';
import { drawConcepts } from '../../map/overlays/concept_outlines';
import { dividerAt } from '../../state/comparison_actions';
import type { Session } from '../../state/session';
import { showsOutlines } from '../../state/slices/view';
import type { State } from '../../state/store';
import { INSPECTOR_ROOM } from '../../ui/card_placement';
import type { Feature } from '../feature';

export class OutlinesController implements Feature {
  #names: readonly PlacedName[] = [];

  constructor(
    private readonly session: Session,
    map: AtlasMap,
  ) {
    const nameUnder = ({ offsetX: x, offsetY: y, shiftKey }: MouseEvent) => {
      const { camera, tool } = session.store.state;
      const point = toWorld(camera, map.viewport, { x, y });
      if (shiftKey || tool !== '') return undefined;
      return this.#names.find(({ box }) => isInside(box, point));
    };
    map.addEventListener('pointermove', (event) => {
      map.style.cursor = event.buttons === 0 && nameUnder(event) ? 'pointer' : '';
    });
    // Before the map pins the cell below the name.
    map.addEventListener(
      'click',
      (event) => {
        const name = nameUnder(event);
        if (name === undefined) return;
        event.stopImmediatePropagation();
        if (event.detail < 2) this.#toggle(name);
      },
      { capture: true },
    );
  }

  marks(state: State): readonly OverlayPainter[] {
    this.#names = [];
    if (!showsOutlines(state)) return [];
    const { compare, compareMode, pinned, dark } = state;
    return [
      (context, frame) => {
        const { width, height } = frame.viewport;
        const found = territoriesOf(frame.atlas, frame.level);
        if (found === null) return;
        // In swipe mode those of B.
        const swipes = compare !== null && compareMode === 'swipe';
        const from = swipes ? dividerAt(state, frame.viewport) : 0;
        const to = pinned === null ? width : width - INSPECTOR_ROOM;
        context.save();
        context.beginPath();
        context.rect(from, 0, width, height);
        context.clip();
        this.#names = drawConcepts(context, frame, found, [from, to], dark);
        context.restore();
      },
    ];
  }

  paneMarks(state: State): readonly OverlayPainter[] {
    if (!showsOutlines(state)) return [];
    return [
      (context, frame) => {
        const found = territoriesOf(frame.atlas, frame.level);
        if (found) drawConcepts(context, frame, found, [0, frame.viewport.width], state.dark);
      },
    ];
  }

  #toggle({
    anchor: {
      concept: { id, name },
    },
  }: PlacedName): void {
    const { store } = this.session;
    store.set({ highlight: toggleConcept(store.state.highlight, id, name) });
  }
}
