// SPDX-License-Identifier: Apache-2.0
/** Divides the stage among panes. */

/** Height of the bar above and the line of text below the map of a pane, in CSS pixels. */
const BAR = 38;
const CAPTION = 26;
/** Narrower than this its choices cannot be read. */
const LEAST_WIDTH = 300;

export interface Slot {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Shares a stage among `count` panes so that the square maps in them are as large as can be. */
export function slotsOf(count: number, width: number, height: number): Slot[] {
  const most = Math.min(count, Math.max(1, Math.floor(width / LEAST_WIDTH)));
  let columns = most;
  let best = 0;
  for (let tried = 1; tried <= most; tried++) {
    const side = Math.min(width / tried, height / Math.ceil(count / tried) - BAR - CAPTION);
    if (side > best) [columns, best] = [tried, side];
  }
  const size = { width: width / columns, height: height / Math.ceil(count / columns) };
  return Array.from({ length: count }, (_, i) => ({
    left: (i % columns) * size.width,
    top: Math.floor(i / columns) * size.height,
    ...size,
  }));
}
