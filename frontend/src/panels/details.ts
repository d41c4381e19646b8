// SPDX-License-Identifier: Apache-2.0
/** Everything that may arrive after the first map, as one chunk: card, inspector, legend, states, help. */

import { html, nothing, type TemplateResult } from 'lit';
import type { Atlas, Level } from '../atlas';
import { describeCell } from '../cells';
import { type Colouring, colouring } from '../colour';
import { Evidence } from '../evidence';
import type { AtlasMap } from '../map/atlas_map';
import type { Session } from '../session';
import type { CellPlace, ColourMode, State } from '../store';
import { card } from './card';
import type { CellContext } from './cell_view';
import './crop';
import { detailStyles } from './detail_styles';
import { helpDialog } from './help';
import { inspector, type Selection } from './inspector';
import { legendPanel } from './legend';
import { banners, emptyState, failedState, stepState } from './states';

export class Details {
  static readonly styles = detailStyles;

  readonly #evidence: Evidence;
  #coloured: { level: Level; mode: ColourMode; colours: Colouring } | null = null;
  #chosenSample: number | null = null;

  constructor(
    private readonly session: Session,
    private readonly update: () => void,
  ) {
    this.#evidence = new Evidence(update);
    session.pages.watch(update);
  }

  render(state: State, map: AtlasMap | null): TemplateResult {
    return html`${this.#stage(state, map)}${state.help ? this.#help() : nothing}`;
  }

  #stage(state: State, map: AtlasMap | null): TemplateResult | typeof nothing {
    const retry = () => this.session.retry();
    if (state.phase === 'empty') return emptyState(retry);
    if (state.phase === 'failed' && state.failure) return failedState(state.failure, retry);
    if (state.stepFailure) return stepState(state.step, state.stepFailure, retry);
    const { atlas, shownLevel } = state;
    const level = atlas?.levels.find(({ size }) => size === shownLevel);
    if (!atlas || !level) return nothing;
    return html`${banners(state, retry)} ${this.#legend(atlas, level, state.colour)}
    ${this.#inspector(state, atlas)} ${this.#card(state, atlas, map)}`;
  }

  #legend(atlas: Atlas, level: Level, mode: ColourMode): TemplateResult {
    if (this.#coloured?.level !== level || this.#coloured.mode !== mode) {
      this.#coloured = { level, mode, colours: colouring(atlas, level, mode) };
    }
    return legendPanel(atlas, level, this.#coloured.colours.legend);
  }

  #card(state: State, atlas: Atlas, map: AtlasMap | null): TemplateResult | typeof nothing {
    const { hover } = state;
    const context = hover && this.#context(state, atlas, hover);
    if (!hover || !context || map === null) return nothing;
    return card(context, map.boxOf(hover), map.viewport);
  }

  #inspector(state: State, atlas: Atlas): TemplateResult | typeof nothing {
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
    return inspector(this.#context(state, atlas, pinned), selection, close);
  }

  #context(state: State, atlas: Atlas, place: CellPlace): CellContext | null {
    const level = atlas.levels.find(({ size }) => size === place.size);
    const facts = level && describeCell(atlas, level, place.row, place.col);
    if (!level || !facts) return null;
    return { state, session: this.session, evidence: this.#evidence, atlas, level, facts };
  }

  #help(): TemplateResult {
    return helpDialog(() => this.session.store.set({ help: false }));
  }
}
