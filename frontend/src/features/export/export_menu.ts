// SPDX-License-Identifier: Apache-2.0
/** The export menu: image of the map, CSV file of the cells, and link. */

import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { closeWhenLeft, focusOnce } from '../../ui/list_focus';
import { panelHead } from '../../ui/panel_head';
import { segments } from '../../ui/segmented_control';
import { SCALES, type Scale } from './map_image';

export interface Exports {
  readonly scale: Scale;
  /** Why there is no picture to save, or null. */
  readonly noPicture: string | null;
  readonly link: string;
  /** Outcome of the last export. */
  readonly outcome: string;
  choose(scale: Scale): void;
  savePicture(): void;
  saveDrawing(): void;
  saveCells(): void;
  copyLink(): Promise<void>;
  close(): void;
}

export function exportMenu(exports: Exports): TemplateResult {
  const { scale, noPicture, link, outcome, close } = exports;
  const leave = (event: KeyboardEvent) => {
    if (event.key === 'Escape') close();
  };
  return html`<aside
    class="export panel"
    aria-label="Export"
    @keydown=${leave}
    @focusout=${closeWhenLeft(close)}
  >
    ${panelHead('Export', 'Close the export', 'Esc', close)}
    ${segments(
      'Size of the picture',
      'export-scale',
      SCALES,
      (one) => `${one}×`,
      scale,
      (one) => exports.choose(one),
    )}
    <p class="muted">
      ${
        noPicture ??
        'The map as shown, with legends, run, layer, and step. The SVG keeps text as text.'
      }
    </p>
    <button
      type="button"
      class="button"
      ?disabled=${noPicture !== null}
      ${noPicture === null ? ref(focusOnce) : nothing}
      @click=${exports.savePicture}
    >
      Save picture (PNG)
    </button>
    <button
      type="button"
      class="button"
      ?disabled=${noPicture !== null}
      @click=${exports.saveDrawing}
    >
      Save SVG
    </button>
    <button
      type="button"
      class="button"
      ${noPicture === null ? nothing : ref(focusOnce)}
      @click=${exports.saveCells}
    >
      Save cells (CSV)
    </button>
    <input
      type="text"
      readonly
      aria-label="Link to this view"
      .value=${link}
      @focus=${(event: Event) => (event.target as HTMLInputElement).select()}
    />
    <button type="button" class="button" @click=${exports.copyLink}>Copy link</button>
    <p class="muted">${outcome}</p>
  </aside>`;
}
