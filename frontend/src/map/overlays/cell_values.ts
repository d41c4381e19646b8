// SPDX-License-Identifier: Apache-2.0
/** The value of a cell as a number, and a dotted outline if it has few samples. */

import { MIN_SUPPORT } from '../../domain/class_filter';
import type { ColorMode } from '../../domain/display_types';
import { coloring } from '../../domain/map_colors';
import { iconScales, rimWidth } from '../../render/scene';
import { cssColor } from '../../util/css_color';
import { shorten } from '../../util/format';
import { badge, eachCell, type OverlayPainter } from '../overlay';

/** Cells of this side in CSS pixels have room for a number. */
const VALUE_FROM = 44;
/** And for a few words with it. */
const NAME_FROM = 110;
const LONGEST_NAME = 14;
const DOTS = [1.5, 3];

export function paintCellFocus(mode: ColorMode, dark = false): OverlayPainter {
  return (context, frame) => {
    const { atlas, level, theme } = frame;
    const { reading } = coloring(atlas, level, mode, dark);
    if (reading === undefined) return;
    const scales = iconScales(level);
    eachCell(frame, (cell, x, y, side) => {
      const value = reading.values[cell] as number;
      if (Number.isNaN(value)) return;
      const inner = (scales[cell] as number) * side;
      const [left, top] = [x + (side - inner) / 2, y + (side - inner) / 2];
      if ((level.loaded[cell] as number) < MIN_SUPPORT) {
        const half = rimWidth(side) / 2;
        context.strokeStyle = cssColor(theme.ground);
        context.lineWidth = 2 * half;
        context.setLineDash(DOTS);
        context.strokeRect(left + half, top + half, inner - 2 * half, inner - 2 * half);
        context.setLineDash([]);
      }
      const name = (side >= NAME_FROM && reading.name?.(cell)) || '';
      const words = `${reading.say(value)} ${shorten(name, LONGEST_NAME)}`.trim();
      if (side >= VALUE_FROM) badge(context, frame, words, left + inner, top);
    });
  };
}
