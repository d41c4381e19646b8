// SPDX-License-Identifier: Apache-2.0
/** Colours that canvases need as values; panels take theirs from the custom properties in styles.ts. */

import type { Rgb } from './colour';

export interface CanvasTheme {
  readonly ground: Rgb;
  readonly neutralTile: Rgb;
  readonly accent: string;
  /** More and fewer: vermilion and blue, told apart under every common colour-vision deficiency. */
  readonly gain: string;
  readonly loss: string;
  readonly label: string;
  readonly labelGround: string;
}

export const THEMES: Readonly<Record<'light' | 'dark', CanvasTheme>> = {
  light: {
    ground: [245, 246, 247],
    neutralTile: [214, 217, 221],
    accent: '#c74600',
    gain: '#d55e00',
    loss: '#0072b2',
    label: '#202124',
    labelGround: 'rgba(255, 255, 255, 0.88)',
  },
  dark: {
    ground: [40, 40, 40],
    neutralTile: [82, 84, 87],
    accent: '#ffa726',
    gain: '#ffa04d',
    loss: '#6ab7ff',
    label: '#f1f1f1',
    labelGround: 'rgba(28, 28, 28, 0.84)',
  },
};
