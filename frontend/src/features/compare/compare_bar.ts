// SPDX-License-Identifier: Apache-2.0
/** The bar that chooses A, which may be of another run or layer, and the comparison mode. */

import { html, nothing, type TemplateResult } from 'lit';
import { findSeriesA, findSideA, type Side } from '../../domain/comparison/compared_series';
import { COMPARE_MODES, type CompareMode } from '../../domain/display_types';
import { folderOf } from '../../domain/series/relayout_runs';
import { findSeries } from '../../domain/series/series_lookup';
import { chooseA, chooseSide, showA, swapSides } from '../../state/comparison_actions';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { iconButton } from '../../ui/icons';
import { layerOptions } from '../../ui/layer_options';
import { picker } from '../../ui/picker';
import { segments } from '../../ui/segmented_control';
import { count } from '../../util/format';
import type { RunEntry } from '../../wire/manifest';

const MODE_NAMES: Readonly<Record<CompareMode, string>> = {
  difference: 'Difference',
  swipe: 'Swipe',
  blink: 'Blink',
};
const DIVIDER_STEPS = 200;

export function compareBar(state: State, session: Session): TemplateResult | typeof nothing {
  const { compare, compareIn, compareMode, series, step, flipped, otherFailure } = state;
  const side = findSideA(state);
  if (compare === null || series === null) return nothing;
  const { store } = session;
  const steps = findSeriesA(state)?.steps ?? [];
  return html`<section class="bar compare-bar unlabeled" aria-label="Comparison of A and B">
    <span class="field">
      <b class="side-mark">A</b>
      ${side && sidePickers(state, side, session)}
      <select
        id="compare-a"
        aria-label="Step A"
        @change=${(event: Event) =>
          chooseA(session, Number((event.target as HTMLSelectElement).value), compareIn)}
      >
        ${steps.map(
          (one) =>
            html`<option value=${one} .selected=${one === compare}>step ${count(one)}</option>`,
        )}
      </select>
    </span>
    ${iconButton({
      icon: 'swap',
      name: 'Swap A and B',
      key: 'x',
      press: () => swapSides(session),
    })}
    <span><b class="side-mark">B</b> step ${count(step ?? 0)}</span>
    ${segments(
      'How to compare',
      'compare-mode',
      COMPARE_MODES,
      (mode) => MODE_NAMES[mode],
      compareMode,
      (mode) => store.set({ compareMode: mode, flipped: false }),
    )}
    ${
      compareMode === 'blink'
        ? html`<button
            type="button"
            class="button"
            aria-pressed=${flipped}
            title="Or hold b"
            @click=${() => showA(session, !flipped)}
          >
            Show A
          </button>`
        : nothing
    }
    ${
      otherFailure === null
        ? nothing
        : html`<p class="compare-failure">A cannot be shown: ${otherFailure.message}</p>`
    }
    ${iconButton({
      icon: 'close',
      name: 'End the comparison',
      key: 'c',
      press: () => chooseA(session, null),
    })}
  </section>`;
}

/** The choices of the run and the layer of A, where there are several. */
function sidePickers(state: State, side: Side, session: Session): TemplateResult {
  const runs = state.runs.filter(({ series }) => series.length > 0);
  const choose = (run: RunEntry | undefined, layer: string) => {
    const series = run && findSeries(run, layer);
    if (run && series) chooseSide(session, { run, series });
  };
  return html`${
    runs.length < 2
      ? nothing
      : picker(
          'compare-run',
          'Run of A',
          runs.map(({ id, run }) => ({ value: id, label: folderOf(run) || '(log directory)' })),
          side.run.id,
          (id) =>
            choose(
              runs.find((one) => one.id === id),
              side.series.layer,
            ),
        )
  }${
    side.run.series.length < 2
      ? nothing
      : picker(
          'compare-layer',
          'Layer of A',
          layerOptions({ ...state, ...side }),
          side.series.id,
          (id) => choose(side.run, id),
        )
  }`;
}

/** The line between A and B, as a slider over the map. */
export function dividerSlider(state: State, session: Session): TemplateResult | typeof nothing {
  const { compare, compareMode, flipped, divider } = state;
  if (compare === null || compareMode !== 'swipe' || flipped) return nothing;
  return html`<input
    class="divider"
    type="range"
    aria-label="Divider between A and B"
    aria-valuetext="${Math.round(100 * divider)} percent A"
    min="0"
    max=${DIVIDER_STEPS}
    .value=${String(Math.round(divider * DIVIDER_STEPS))}
    @input=${(event: Event) =>
      session.store.set({
        divider: Number((event.target as HTMLInputElement).value) / DIVIDER_STEPS,
      })}
  />`;
}
