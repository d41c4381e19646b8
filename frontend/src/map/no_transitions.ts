// SPDX-License-Identifier: Apache-2.0
/**
 * Replaces `d3-transition` in the build. d3-zoom only interrupts transitions, and the map starts none: the
 * library would bring interpolation of colors and CSS transforms along.
 */

import { selection } from 'd3-selection';

export function interrupt(): void {}

Object.assign(selection.prototype, {
  interrupt<T>(this: T): T {
    return this;
  },
});
