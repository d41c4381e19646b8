// SPDX-License-Identifier: Apache-2.0
/** Colors of canvases. Panels use the custom properties in styles.ts. */

import type { CanvasTheme, Rgb } from '../domain/display_types';
import type { State } from '../state/store';

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

/** The inks of a map: the reader's own where the system forces colors on pages, else ours. */
export function themeOf({ dark, forced }: Pick<State, 'dark' | 'forced'>): CanvasTheme {
  return forced ?? THEMES[dark ? 'dark' : 'light'];
}

/** The colors that the system forces on pages, or null where it forces none. */
export function forcedTheme(): CanvasTheme | null {
  if (!matchMedia('(forced-colors: active)').matches) return null;
  // Only an element of the page can resolve them.
  const probe = document.body.appendChild(document.createElement('i'));
  const ink = (name: string) => {
    probe.style.color = name;
    return getComputedStyle(probe).color;
  };
  const rgb = (name: string) => ink(name).match(/\d+/g)?.slice(0, 3).map(Number) as unknown as Rgb;
  const theme = {
    ground: rgb('Canvas'),
    neutralTile: rgb('GrayText'),
    accent: ink('Highlight'),
    gain: ink('Highlight'),
    loss: ink('CanvasText'),
    label: ink('CanvasText'),
    labelGround: ink('Canvas'),
  };
  probe.remove();
  return theme;
}
