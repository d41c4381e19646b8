// SPDX-License-Identifier: Apache-2.0
/** Places the card next to its cell and inside the stage. */

const CARD_WIDTH = 320;
const GAP = 10;
const MARGIN = 8;

/** Width of the inspector with its margins, which all else stays clear of. */
export const INSPECTOR_ROOM = 332;

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

export interface Room {
  readonly width: number;
  readonly height: number;
}

/**
 * Beside the cell, on the side with more room. The card is moved up by `up`, a share of its own height: a card
 * of any height that fits into the stage is inside it.
 */
export function placeCard(box: Box, room: Room): { left: number; top: number; up: number } {
  const right = box.x + box.side + GAP;
  const left = box.x - GAP - CARD_WIDTH;
  const fitsRight = right + CARD_WIDTH + MARGIN <= room.width;
  const x = fitsRight || left < MARGIN ? right : left;
  const up = Math.max(0, Math.min(1, (box.y + box.side / 2) / Math.max(1, room.height)));
  return {
    left: Math.max(MARGIN, Math.min(x, room.width - CARD_WIDTH - MARGIN)),
    top: MARGIN + up * Math.max(0, room.height - 2 * MARGIN),
    up,
  };
}
