// SPDX-License-Identifier: Apache-2.0
/** The cells most similar to the pinned one: a list for the inspector, and an overlay. */

import { html, type TemplateResult } from 'lit';
import { placeOf } from '../../domain/cell_stats';
import type { CellPlace } from '../../domain/display_types';
import type { NearestSamples } from '../../domain/nearest_samples';
import { type SimilarCell, similarCells } from '../../domain/similar_cells';
import type { OverlayPainter } from '../../map/overlay';
import { drawShares } from '../../map/overlays/highlight';
import { toggleSimilar } from '../../state/pins';
import { type CellContext, cellIcon } from '../../ui/cell_view';
import { fraction } from '../../util/format';
import { type Atlas, cellAt, type Level } from '../../wire/atlas';

const LISTED = 8;

/** A section of the inspector. */
export function similarList({ state, session, nearest, ...context }: CellContext): TemplateResult {
  const { atlas, level, facts } = context;
  const found = find(nearest, atlas, level, facts.cell, state.settled && !state.playing);
  return html`<section>
    <h3>
      Similar cells
      <span
        class="muted"
        title="Cosine between the mean activations of both cells, centered by the layer's mean."
        >by cosine</span
      >
    </h3>
    ${
      typeof found === 'string'
        ? html`<p class="muted">${found}</p>`
        : html`<div class="patches wide">
              ${found.map(({ cell, cosine }) => {
                const place = placeOf(level, cell);
                return html`<button
                  type="button"
                  class="similar-cell"
                  title="Go to row ${place.row + 1}, column ${place.col + 1}"
                  @click=${() => session.store.set({ pinned: place, hover: null })}
                >
                  ${cellIcon(session, atlas, level, cell, 'similar-icon')}
                  <span class="number">${fraction(cosine)}</span>
                </button>`;
              })}
            </div>
            <button
              type="button"
              class="button"
              title="Similar cells on the map (i)"
              @click=${() => toggleSimilar(session.store)}
            >
              ${state.similar ? 'Hide' : 'Show'} on the map
            </button>`
    }
  </section>`;
}

/** Dims all cells but the pinned one and those similar to it. */
export function paintSimilar(nearest: NearestSamples, pinned: CellPlace): OverlayPainter {
  return (context, frame) => {
    const { atlas, level } = frame;
    const own = pinned.size === level.size ? cellAt(level, pinned.row, pinned.col) : -1;
    const found = own < 0 ? '' : find(nearest, atlas, level, own, true);
    if (typeof found === 'string') return;
    const words = new Map(found.map(({ cell, cosine }) => [cell, fraction(cosine)]));
    words.set(own, 'pinned');
    const strength = Float32Array.from(level.rows, (_, cell) => Number(words.has(cell)));
    drawShares(context, frame, new Int32Array(), strength, (cell) => words.get(cell) ?? '');
  };
}

/** The most similar cells, or why they are not known. */
function find(
  nearest: NearestSamples,
  atlas: Atlas,
  level: Level,
  cell: number,
  fetch: boolean,
): SimilarCell[] | string {
  const activations = nearest.activations(atlas, fetch);
  if (typeof activations === 'string') return activations;
  const found = similarCells(level, activations, cell, LISTED);
  return found.length > 0 ? found : 'No other cell has activations to compare.';
}
