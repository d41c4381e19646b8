// SPDX-License-Identifier: Apache-2.0
/** The legend of the map: color scale, counts, and provenance. */

import { html, nothing, type TemplateResult } from 'lit';
import type { ShowMode } from '../../domain/display_types';
import { type Legend, SEQUENTIAL_CSS } from '../../domain/map_colors';
import { provenance, provenanceTitle } from '../../ui/provenance';
import { cutName, shorten } from '../../util/format';
import type { Atlas, Level } from '../../wire/atlas';
import { classLegend } from './class_atlas_legend';

/** Largest number of characters of a concept name, so that three names fit in one line. */
const MAX_CONCEPT_NAME = 15;

type KeyedLegend = Exclude<Legend, { kind: 'none' }>;

/** The buttons that highlight concepts. */
export interface ConceptButtons {
  readonly pressed: number | null;
  press(id: number, name: string): void;
}

/** Renders the legend. `open` is its initial state; then the user opens and closes it. */
export function legendPanel(
  atlas: Atlas,
  level: Level,
  legend: Legend,
  show: ShowMode,
  open: boolean,
  concepts?: ConceptButtons,
  inView = '',
): TemplateResult {
  return html`<aside class="legend panel" aria-label="Legend">
    ${classLegend(atlas, open)}
    ${
      legend.kind === 'none'
        ? nothing
        : html`<details ?open=${open}>
            <summary>${titleOf(legend, show)}</summary>
            ${key(legend, concepts)}
          </details>`
    }
    <p class="provenance muted" title=${provenanceTitle(atlas)}>${provenance(atlas, level, inView)}</p>
  </aside>`;
}

/** Outlines show the class of cells and points the class of samples; the title names what is shown. */
function titleOf(legend: KeyedLegend, show: ShowMode): string {
  if (legend.kind !== 'classes' || show === 'icons') return legend.title;
  if (show === 'points') return legend.pointTitle;
  return `${legend.title}; points: ${legend.pointTitle.toLowerCase()}`;
}

function key(legend: KeyedLegend, concepts?: ConceptButtons): TemplateResult {
  switch (legend.kind) {
    case 'missing':
      return html`<p>${legend.reason}</p>`;
    case 'classes':
      return html`<ul class="swatches">
        ${legend.entries.map(({ label, color, concept }) => {
          const name =
            concept === undefined ? shorten(label, 24) : cutName(label, MAX_CONCEPT_NAME);
          const swatch = color && html`<i style="background:${color}"></i>`;
          return concept === undefined || !concepts
            ? html`<li>${swatch}${name}</li>`
            : html`<li>
                <button
                  type="button"
                  aria-pressed=${concept === concepts.pressed}
                  title="Highlight ${shorten(label, 60)}"
                  @click=${() => concepts.press(concept, label)}
                >
                  ${swatch}${name}
                </button>
              </li>`;
        })}
      </ul>`;
    case 'scale':
      return html`<div class="scale">
        <span>${legend.low}</span>
        <i style="background:${SEQUENTIAL_CSS}"></i>
        <span>${legend.high}</span>
      </div>
      ${legend.note ? html`<p class="legend-note muted"><i></i>${legend.note}</p>` : nothing}`;
  }
}
