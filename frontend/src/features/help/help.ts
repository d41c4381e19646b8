// SPDX-License-Identifier: Apache-2.0
/** The help dialog: how to interpret the map, keyboard shortcuts, and settings. */

import { html, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { type Setting, want, wants } from '../../host/settings';
import { panelHead } from '../../ui/panel_head';

const KEYS: readonly (readonly [string, string])[] = [
  ['Arrows', 'move to the next cell; with Ctrl, ten cells on'],
  ['Home  End', 'first, last cell of the row'],
  ['Enter / Esc', 'pin the cell / unpin'],
  ['Shift + Enter', 'add the cell to the pins or remove it (or Shift + click)'],
  ['r', 'select a rectangle with arrow keys and Enter (or Shift + drag)'],
  ['l', 'select with a lasso: drag around samples'],
  ['k', 'selections and pins'],
  ['Shift + arrows', 'pan (or drag)'],
  ['+  −', 'zoom (or wheel, pinch, double click)'],
  ['0', 'the whole map'],
  ['1 … 5', 'show one grid; again to follow the zoom'],
  [',  .', 'previous, next step'],
  ['Space', 'play or pause'],
  ['j', 'events of the run'],
  ['g', 'stream graph: concepts over the steps'],
  ['m', 'moving map or fixed map'],
  ['c', 'compare with the previous step, or end it'],
  ['[  x', 'use this step as A (or Shift + click a tick); swap A and B'],
  ['b (held)', 'show A instead of B'],
  ['a  w', 'add a pane; close the focused or last one'],
  ['PgUp  PgDn', 'next and previous layer, in order of names'],
  ['/', 'find a class, cell, image, concept, or saved selection'],
  ['t', 'table of the cells, or the map'],
  ['p', 'icons, points, or both'],
  ['o', 'borders and names of concepts'],
  ['i', 'cells similar to the pinned one, or end it'],
  ['e  y', 'export: picture, cells, link; copy the link'],
  ['f', 'filter by class: top class or attribution'],
  ['n', 'attribution for a class, against it, or both'],
  ['s', 'shortcuts, if a search was logged'],
  ['d', 'drift: what changed since the previous step'],
];

function switchOf(setting: Setting, name: string): TemplateResult {
  return html`<label class="setting">
    <input
      type="checkbox"
      .checked=${wants(setting)}
      @change=${(event: Event) => want(setting, (event.target as HTMLInputElement).checked)}
    />${name}
  </label>`;
}

/** `ref` calls before the element is in the document, where a dialog cannot open yet. */
function openModally(element: Element | undefined): void {
  queueMicrotask(() => {
    if (element instanceof HTMLDialogElement && element.isConnected && !element.open) {
      element.showModal();
    }
  });
}

export function helpDialog(close: () => void): TemplateResult {
  return html`<dialog
    class="help panel"
    aria-label="How to read the map"
    ${ref(openModally)}
    @close=${close}
    @click=${(event: Event) => {
      if (event.target === event.currentTarget) close();
    }}
  >
    <div class="help-body">
      ${panelHead('How to read the map', 'Close', 'Esc', close)}
      <ul class="reading">
        <li>
          <strong>A cell</strong> holds samples with similar activations. A sample is the output of the
          layer at one position of one image. Larger tiles hold more samples.
        </li>
        <li>
          <strong>Its icon</strong> is a synthetic picture. Its activation is optimized to match the
          mean of the cell; the cosine measures how well. The real patches are the nearest samples.
        </li>
        <li>
          <strong>Near</strong> samples are similar, but distant ones can be similar, too.
          Directions have no meaning, except left and right if two classes are compared.
          Trustworthiness is 1 if all neighbors are true.
        </li>
        <li>
          <strong>Zooming in</strong> splits cells, down to the finest grid that was logged. Faint
          points are samples in cells with too few samples for an icon.
        </li>
        <li>
          <strong>Two steps, A and B:</strong> a filled square is more samples in B, a hollow one
          fewer; pale is not significant. A dashed outline is a cell of A only, a double one of B.
        </li>
        <li>
          <strong>Panes side by side:</strong> point at a cell or pin it to highlight the cells of
          the other panes that hold its samples. Brighter cells with wider outlines hold more.
        </li>
        <li>
          <strong>Class filter:</strong> brighter cells are stronger. Hatched cells have attribution
          against the class, dotted ones too few samples to rank.
        </li>
      </ul>
      <h3>In this browser</h3>
      ${switchOf('page-scroll-first', 'Scroll the page with the wheel; zoom with Ctrl or Alt')}
      ${switchOf('no-letter-keys', 'No single-key shortcuts')}
      <h3>Keys, while the map has focus</h3>
      <dl>
        ${KEYS.map(([key, effect]) => html`<dt>${key}</dt><dd>${effect}</dd>`)}
      </dl>
    </div>
  </dialog>`;
}
