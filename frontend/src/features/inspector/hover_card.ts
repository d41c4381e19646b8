// SPDX-License-Identifier: Apache-2.0
/** The card of the cell under the pointer or the keyboard cursor. */

import { html, nothing, type TemplateResult } from 'lit';
import { type Box, placeCard, type Room } from '../../ui/card_placement';
import {
  accuracyLine,
  bigIcon,
  type CellContext,
  classBars,
  headline,
  iconLine,
  position,
} from '../../ui/cell_view';
import { findPatches, patchesMissing, patchFailure, rankedBy } from '../../ui/sample_patches';
import { shorten } from '../../util/format';
import { className } from '../../wire/atlas';
import { findAttribution, formatFractionWithSign, strongestClasses } from '../../wire/attribution';

const CARD_PATCHES = 6;
/** Classes for and against that the card names, and their longest name. */
const CARD_CLASSES = 2;
const CARD_NAME = 20;

export function card(
  context: CellContext,
  box: Box,
  room: Room,
  lines: unknown = nothing,
): TemplateResult {
  const { left, top, up } = placeCard(box, room);
  return html`<aside
    class="card panel"
    data-row=${context.facts.row}
    data-col=${context.facts.col}
    style="left:${left}px;top:${top}px;transform:translateY(${-100 * up}%)"
    aria-label="Cell under the cursor"
  >
    <h2 class="hidden">Cell under the cursor</h2>
    <div class="card-top">
      ${bigIcon(context)}
      <div class="card-facts">${headline(context)} ${iconLine(context)} ${accuracyLine(context)}</div>
    </div>
    ${strip(context)} ${classBars(context)} ${attributionLines(context)} ${lines} ${position(context)}
  </aside>`;
}

/** The classes with the strongest attribution, such as "for dog +.31, cat +.12". */
function attributionLines({ atlas, level, facts }: CellContext): TemplateResult | typeof nothing {
  const attribution = findAttribution(atlas, level);
  if (typeof attribution === 'string') return nothing;
  const { helps, hurts } = strongestClasses(attribution, facts.cell, CARD_CLASSES);
  const most = Math.max(...[...helps, ...hurts].map(({ value }) => Math.abs(value)));
  const line = (word: string, found: typeof helps) =>
    found.length === 0
      ? nothing
      : html`<p><span class="muted">${word}</span> ${found
          .map(
            ({ index, value }) =>
              `${shorten(className(atlas, index), CARD_NAME)} ${formatFractionWithSign(value, most)}`,
          )
          .join(', ')}</p>`;
  return html`<div>${line('for', helps)} ${line('against', hurts)}</div>`;
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
    ${patchFailure(context.state, context.session)}
  </section>`;
}
