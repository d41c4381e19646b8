// SPDX-License-Identifier: Apache-2.0
/**
 * Replaces `d3-transition` and `d3-interpolate` in the build. d3-zoom only interrupts transitions, and the
 * map starts none: the libraries would bring interpolation of colors and CSS transforms along.
 */

import { selection } from 'd3-selection';

export function interrupt(): void {}

/** d3-zoom stores it, and calls it in transitions only. */
export function interpolateZoom(): void {}

Object.assign(selection.prototype, {
  interrupt<T>(this: T): T {
    return this;
  },
});
