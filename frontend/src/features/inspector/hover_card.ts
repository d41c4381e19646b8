// SPDX-License-Identifier: Apache-2.0
/** The card of the cell under the pointer or the keyboard cursor. */

import { html, nothing, type TemplateResult } from 'lit';
import { type Box, placeCard, type Room } from '../../ui/card_placement';
import {
  accuracyLine,
  bigIcon,
  type CellContext,
  classBars,
  findPatches,
  headline,
  iconLine,
  lostPatches,
  patchesMissing,
  position,
  rankedBy,
} from '../../ui/cell_view';

const CARD_PATCHES = 6;

export function card(
  context: CellContext,
  box: Box,
  room: Room,
  lines: unknown = nothing,
): TemplateResult {
  const { left, top } = placeCard(box, room);
  return html`<aside
    class="card panel"
    data-row=${context.facts.row}
    data-col=${context.facts.col}
    style="left:${left}px;top:${top}px"
    aria-label="Cell under the cursor"
  >
    <h2 class="hidden">Cell under the cursor</h2>
    <div class="card-top">
      ${bigIcon(context)}
      <div class="card-facts">${headline(context)} ${iconLine(context)} ${accuracyLine(context)}</div>
    </div>
    ${strip(context)} ${classBars(context)} ${lines} ${position(context)}
  </aside>`;
}

function strip(context: CellContext): TemplateResult {
  const reason = patchesMissing(context.state, context.atlas.manifest.probeDigest);
  if (reason !== null) return html`<p class="muted">${reason}</p>`;
  const { nearest, list } = findPatches(context, CARD_PATCHES);
  return html`<section>
    <h3>Nearest real patches ${rankedBy(nearest)}</h3>
    <div class="patches">
      ${list.map(
        ({ cut, picture }) =>
          html`<atlas-crop
            class="patch"
            .crop=${cut && picture ? { picture, rect: cut.patch } : null}
          ></atlas-crop>`,
      )}
    </div>
    ${lostPatches(context.state, context.session)}
  </section>`;
}
