// SPDX-License-Identifier: Apache-2.0
/** The panels over the stage: card, inspector, legend, states. */

import { html, nothing, type TemplateResult } from 'lit';
import { describeCell } from '../domain/cell_stats';
import { colouring } from '../domain/color_scales';
import { Evidence } from '../domain/nearest_samples';
import { type CellPlace, samePlace } from '../domain/view';
import { card } from '../features/inspector/hover_card';
import type { AtlasMap } from '../map/atlas_map';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import type { CellContext } from '../ui/cell_view';
import { type Atlas, type Level, levelOf } from '../wire/atlas';
import '../ui/crop';
import { inspector, type Selection } from '../features/inspector/inspector';
import { legendPanel, pointsNote } from '../features/legend/legend';
import { atlasOnScreen } from '../state/reference_step';
import { banners, emptyState, failedState, stepState } from '../ui/empty_states';
import { INSPECTOR_ROOM } from '../ui/placement';

/** From this width on the legend's key begins open. */
const ROOMY_STAGE = 900;
/** Narrower than this the map is looked at alone, or the panel is. */
const LEAST_ROOM = 440;

export interface More {
  legends(state: State, atlas: Atlas, level: Level): TemplateResult | typeof nothing;
  /** A section of the inspector. */
  voices(context: CellContext): TemplateResult | typeof nothing;
  /** A line of it, and of the card. */
  moves(context: CellContext): TemplateResult | typeof nothing;
  /** Another section, below the lifelines. */
  film(context: CellContext): TemplateResult | typeof nothing;
}

export class Details {
  readonly evidence: Evidence;
  #chosenSample: number | null = null;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
  ) {
    this.evidence = new Evidence(() => {
      map.invalidate();
      update();
    });
    session.pages.watch(update);
    map.cover = () => coveredBy(map, '.inspector');
    session.store.subscribe(({ pinned }, before) => {
      if (pinned === null || samePlace(pinned, before.pinned)) return;
      // Once the inspector is there, and under what it covers.
      queueMicrotask(() => this.map.reveal(pinned));
    });
  }

  /** What `more` has to say stands above our legend and in the inspector. */
  render(state: State, more: More): TemplateResult | typeof nothing {
    const retry = () => this.session.retry();
    if (state.phase === 'empty') return emptyState(retry, () => void this.session.openSample());
    if (state.phase === 'failed' && state.failure) return failedState(state.failure, retry);
    if (state.stepFailure) return stepState(state.step, state.stepFailure, retry);
    const { shownLevel } = state;
    const atlas = atlasOnScreen(state);
    const level = levelOf(atlas, shownLevel);
    if (!atlas || !level) return nothing;
    return html`<div class="left-column">
        ${banners(
          state,
          retry,
          () => this.map.revive(),
          () => void this.session.start(),
        )}
        <div class="legends">
          ${state.table ? nothing : html`${more.legends(state, atlas, level)} ${this.#legend(atlas, level, state)}`}
        </div>
      </div>
      ${this.#inspector(state, atlas, more)} ${this.#card(state, atlas, more)}`;
  }

  #legend(atlas: Atlas, level: Level, state: State): TemplateResult {
    const { legend } = colouring(atlas, level, state.colour);
    const open = this.map.viewport.width >= ROOMY_STAGE;
    const all = (allPoints: boolean) => this.session.store.set({ allPoints });
    return legendPanel(atlas, level, legend, state.show, open, pointsNote(atlas, state, all));
  }

  #card(state: State, atlas: Atlas, more: More): TemplateResult | typeof nothing {
    const { hover, pinned, panes } = state;
    // It would lie over what lights up in the other panes.
    if (panes !== '') return nothing;
    const context = hover && this.#context(state, atlas, hover);
    // The inspector says all that the card could, and more.
    if (!hover || !context || samePlace(hover, pinned)) return nothing;
    const { width, height } = this.map.viewport;
    const taken = state.pinned === null ? 0 : INSPECTOR_ROOM;
    const room = { width: width - taken, height };
    return card(context, this.map.boxOf(hover), room, more.moves(context));
  }

  #inspector(state: State, atlas: Atlas, more: More): TemplateResult | typeof nothing {
    const { pinned } = state;
    if (pinned === null) return nothing;
    const selection: Selection = {
      sample: this.#chosenSample,
      choose: (sample) => {
        this.#chosenSample = sample;
        this.update();
      },
    };
    const close = () => this.session.store.set({ pinned: null });
    const context = this.#context(state, atlas, pinned);
    return inspector(
      context,
      selection,
      close,
      context
        ? {
            voices: more.voices(context),
            moves: more.moves(context),
            film: more.film(context),
          }
        : {},
    );
  }

  #context(state: State, atlas: Atlas, place: CellPlace): CellContext | null {
    const level = levelOf(atlas, place.size);
    const facts = level && describeCell(atlas, level, place.row, place.col);
    if (!level || !facts) return null;
    return { state, session: this.session, evidence: this.evidence, atlas, level, facts };
  }
}

/** How much of the map's width lies under a panel at its right; none of it, where next to none would be left. */
function coveredBy(map: AtlasMap, panel: string): number {
  const found = (map.getRootNode() as ShadowRoot).querySelector(panel);
  if (found === null) return 0;
  const [shown, over] = [map.getBoundingClientRect(), found.getBoundingClientRect()];
  const free = over.left - shown.left;
  return free < LEAST_ROOM ? 0 : Math.max(0, shown.right - over.left);
}
