// SPDX-License-Identifier: Apache-2.0
/** The card beside the cell under the pointer or the keyboard's cursor. */

import { html, type TemplateResult } from 'lit';
import {
  bigIcon,
  type CellContext,
  classBars,
  findPatches,
  headline,
  iconLine,
  patchesMissing,
  rankedBy,
  whereabouts,
} from './cell_view';

const CARD_PATCHES = 6;
const CARD_WIDTH = 320;
/** Tallest that a card gets; it is placed so that this fits. */
const CARD_HEIGHT = 404;
const GAP = 10;
const MARGIN = 8;

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

export interface Room {
  readonly width: number;
  readonly height: number;
}

/** Beside the cell, on the side with more room, and inside the stage. */
export function placeCard(box: Box, room: Room): { left: number; top: number } {
  const right = box.x + box.side + GAP;
  const left = box.x - GAP - CARD_WIDTH;
  const fitsRight = right + CARD_WIDTH + MARGIN <= room.width;
  const x = fitsRight || left < MARGIN ? right : left;
  const within = (value: number, most: number) => Math.max(MARGIN, Math.min(value, most - MARGIN));
  return {
    left: within(x, room.width - CARD_WIDTH),
    top: within(box.y + box.side / 2 - CARD_HEIGHT / 2, room.height - CARD_HEIGHT),
  };
}

export function card(context: CellContext, box: Box, room: Room): TemplateResult {
  const { left, top } = placeCard(box, room);
  return html`<aside
    class="card panel"
    data-row=${context.facts.row}
    data-col=${context.facts.col}
    style="left:${left}px;top:${top}px"
    aria-label="Cell under the cursor"
  >
    <div class="card-top">
      ${bigIcon(context)}
      <div class="card-facts">${headline(context)} ${iconLine(context)}</div>
    </div>
    ${strip(context)} ${classBars(context)} ${whereabouts(context)}
  </aside>`;
}

function strip(context: CellContext): TemplateResult {
  const reason = patchesMissing(context);
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
  </section>`;
}
