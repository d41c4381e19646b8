// SPDX-License-Identifier: Apache-2.0
/** The section of the inspector with the attribution of a cell for and against classes. */

import { html, nothing, type TemplateResult } from 'lit';
import { MIN_SUPPORT } from '../../domain/class_filter';
import type { CellContext } from '../../ui/cell_view';
import { plural, shorten } from '../../util/format';
import { className } from '../../wire/atlas';
import {
  type ClassAttribution,
  findAttribution,
  formatFractionWithSign,
  strongestClasses,
} from '../../wire/attribution';

const EACH = 3;
const NAME = 40;

/** `select` is called with the class whose attribution the map should show. */
export function attributionSection(
  { atlas, level, facts }: CellContext,
  select: (index: number) => void,
): TemplateResult {
  const attribution = findAttribution(atlas, level);
  if (typeof attribution === 'string') {
    return html`<section class="attribution">
      <h3>Attribution</h3>
      <p class="muted">${attribution}</p>
    </section>`;
  }
  const { helps, hurts } = strongestClasses(attribution, facts.cell, EACH);
  const most = Math.max(...[...helps, ...hurts].map(({ value }) => Math.abs(value)));
  // Standard deviation of the samples: a mean of +2 and −2 describes no sample.
  const spread = (value: number, index: number) => {
    const reach = attribution.spread?.(facts.cell, index) ?? Number.NaN;
    if (!Number.isFinite(reach)) return { mark: nothing, text: nothing };
    const from = (100 * Math.max(0, Math.abs(value) - reach)) / most;
    const to = Math.min(100, (100 * (Math.abs(value) + reach)) / most);
    return {
      mark: html`<b style="left:${from}%;width:${to - from}%"></b>`,
      text: html`<span class="muted" title="Standard deviation over the samples"
        >${formatFractionWithSign(reach, most).replace(/^\+?/, ' ±')}</span
      >`,
    };
  };
  const list = (title: string, attributions: readonly ClassAttribution[], sign: string) =>
    attributions.length === 0
      ? nothing
      : html`<h4>${title}</h4>
          <ul class="bars">
            ${attributions.map(
              ({ index, value }) => html`<li>
                <button
                  type="button"
                  class="name"
                  title="Show the attribution toward this class on the map"
                  @click=${() => select(index)}
                >
                  ${shorten(className(atlas, index), NAME) || '(no name)'}
                </button>
                <span class="meter ${sign}"
                  ><i style="width:${(100 * Math.abs(value)) / most}%"></i>${spread(value, index).mark}</span
                >
                <span class="number">${formatFractionWithSign(value, most)}${spread(value, index).text}</span>
              </li>`,
            )}
          </ul>`;
  const few = facts.count < MIN_SUPPORT ? `, only ${plural(facts.count, 'sample')}` : '';
  return html`<section class="attribution">
    <h3>Attribution <span class="muted">logits, mean of the samples${few}</span></h3>
    ${list('For', helps, 'helps')} ${list('Against', hurts, 'hurts')}
    ${helps.length + hurts.length === 0 ? html`<p class="muted">No attribution for any class.</p>` : nothing}
  </section>`;
}
