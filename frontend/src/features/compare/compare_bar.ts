// SPDX-License-Identifier: Apache-2.0
/** The bar that chooses the two steps and the comparison mode. */

import { html, nothing, type TemplateResult } from 'lit';
import { COMPARE_MODES, type CompareMode } from '../../domain/view';
import type { Session } from '../../state/session';
import { chooseA, showA, swapSides } from '../../state/step_comparison';
import type { State } from '../../state/store';
import { iconButton } from '../../ui/icons';
import { segments } from '../../ui/segmented_control';
import { count } from '../../util/format';

const MODE_NAMES: Readonly<Record<CompareMode, string>> = {
  difference: 'Difference',
  swipe: 'Swipe',
  blink: 'Blink',
};
const DIVIDER_STEPS = 200;

export function compareBar(state: State, session: Session): TemplateResult | typeof nothing {
  const { compare, compareMode, series, step, flipped, otherFailure } = state;
  if (compare === null || series === null) return nothing;
  const { store } = session;
  return html`<section class="bar compare-bar" aria-label="Comparison of two steps">
    <span class="field">
      <b class="side-mark">A</b>
      <select
        id="compare-a"
        aria-label="Step A"
        @change=${(event: Event) =>
          chooseA(session, Number((event.target as HTMLSelectElement).value))}
      >
        ${series.steps.map(
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
