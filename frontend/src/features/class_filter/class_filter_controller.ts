// SPDX-License-Identifier: Apache-2.0
/** The class filter: overlay, legend, panel, and attribution of a cell. */

import { nothing, type TemplateResult } from 'lit';
import { applyFilter, type Filter, readFilter, writeFilter } from '../../domain/class_filter';
import type { AtlasMap } from '../../map/atlas_map';
import type { OverlayFrame, OverlayPainter } from '../../map/overlay';
import { drawFilter } from '../../map/overlays/filter';
import { dividerAt } from '../../state/comparison_actions';
import { atlasOnScreen, referenceOf } from '../../state/reference_step';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import type { CellContext } from '../../ui/cell_view';
import { type Atlas, type Level, levelOf } from '../../wire/atlas';
import type { Feature } from '../feature';
import { attributionSection } from './attribution_section';
import { filterLegend, filterSentence, restReason, scaleOf } from './filter_legend';
import { FilterPanel } from './filter_panel';

export class ClassFilterController implements Feature {
  readonly #panel: FilterPanel;

  constructor(
    private readonly session: Session,
    map: AtlasMap,
    update: () => void,
  ) {
    this.#panel = new FilterPanel(session, map, update);
  }

  overlays(state: State): readonly OverlayPainter[] {
    const filter = readFilter(state);
    if (filter.classes.length === 0 || restReason(state) !== null) return [];
    return [(context, frame) => draw(context, frame, state, filter)];
  }

  legend(state: State, atlas: Atlas, level: Level): TemplateResult | typeof nothing {
    const { store } = this.session;
    return filterLegend(state, atlas, level, {
      clear: () => store.set({ filter: '', sign: '' }),
      open: () => store.set({ filterOpen: true }),
    });
  }

  rail(state: State): TemplateResult | typeof nothing {
    return state.filterOpen ? this.#panel.render(state) : nothing;
  }

  inspectorSection(context: CellContext): TemplateResult {
    const select = (index: number) =>
      this.session.store.set(writeFilter({ kind: 'toward', classes: [index], sign: 'both' }));
    return attributionSection(context, select);
  }

  announce(state: State, before: State): string | null {
    const filter = readFilter(state);
    const { playing, filter: text, sign, shownLevel } = state;
    const changed = text !== before.filter || sign !== before.sign;
    const fresh = changed || shownLevel !== before.shownLevel || state.atlas !== before.atlas;
    if (filter.classes.length === 0 || !fresh || playing) return null;
    const atlas = atlasOnScreen(state);
    const level = levelOf(atlas, shownLevel);
    return atlas && level ? (restReason(state) ?? filterSentence(atlas, level, filter)) : null;
  }
}

/** In swipe mode the filter applies to both steps. */
function draw(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  state: State,
  filter: Filter,
): void {
  const other = state.compareMode === 'swipe' ? referenceOf(state) : null;
  const same = levelOf(other, frame.level.size);
  if (state.compare === null || state.flipped || !other || !same) {
    heat(context, frame, state, filter);
    return;
  }
  const { width, height } = frame.viewport;
  const at = dividerAt(state, frame.viewport);
  const within = (x: number, to: number, part: OverlayFrame) => {
    context.save();
    context.beginPath();
    context.rect(x, 0, to - x, height);
    context.clip();
    heat(context, part, state, filter);
    context.restore();
  };
  within(0, at, { ...frame, atlas: other, level: same });
  within(at, width, frame);
}

function heat(
  context: CanvasRenderingContext2D,
  frame: OverlayFrame,
  state: State,
  filter: Filter,
): void {
  const { atlas, level } = frame;
  const result = applyFilter(atlas, level, filter);
  if (typeof result === 'string') return;
  drawFilter(context, frame, {
    result,
    kind: filter.kind,
    most: scaleOf(state, atlas, level, filter),
    several: filter.classes.length > 1,
  });
}
