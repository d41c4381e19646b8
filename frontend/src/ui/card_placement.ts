// SPDX-License-Identifier: Apache-2.0
/** Places the card next to its cell and inside the stage. */

const CARD_WIDTH = 320;
/** Tallest that a card gets; it is placed so that this fits. */
const CARD_HEIGHT = 480;
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
