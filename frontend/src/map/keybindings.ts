// SPDX-License-Identifier: Apache-2.0
/** Keys of the map as commands. They act only while the map has the focus. */

import { wants } from '../host/settings';

export type Command =
  | { readonly do: 'pan'; readonly dx: number; readonly dy: number }
  | { readonly do: 'cursor'; readonly dx: number; readonly dy: number; readonly cells: number }
  | { readonly do: 'rowEnd'; readonly side: -1 | 1 }
  | { readonly do: 'zoom'; readonly factor: number }
  | { readonly do: 'level'; readonly index: number }
  | { readonly do: 'step' | 'layer'; readonly by: number }
  | { readonly do: 'fit' | 'play' | 'pin' | 'escape' | 'help' | 'events' | 'drift' | 'motion' }
  | { readonly do: 'export' | 'filter' | 'find' | 'shortcuts' | 'table' }
  | { readonly do: 'lasso' | 'block' | 'selectionList' | 'keep' }
  | { readonly do: 'compare' | 'swap' | 'mark' | 'flip' | 'addPane' | 'closePane' }
  | { readonly do: 'show' | 'sign' | 'link' | 'outlines' | 'similar' | 'stream' };

export interface Key {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
}

const ZOOM_STEP = 1.5;
/** Cells that the cursor goes by arrows with Ctrl. */
const FAR = 10;

/** Maps, not objects: a key's name must never reach a prototype. */
export const ARROWS = new Map<string, readonly [number, number]>([
  ['ArrowLeft', [-1, 0]],
  ['ArrowRight', [1, 0]],
  ['ArrowUp', [0, -1]],
  ['ArrowDown', [0, 1]],
]);

const COMMANDS = new Map<string, Command>([
  ['+', { do: 'zoom', factor: ZOOM_STEP }],
  ['=', { do: 'zoom', factor: ZOOM_STEP }],
  ['-', { do: 'zoom', factor: 1 / ZOOM_STEP }],
  ['_', { do: 'zoom', factor: 1 / ZOOM_STEP }],
  ['0', { do: 'fit' }],
  [',', { do: 'step', by: -1 }],
  ['.', { do: 'step', by: 1 }],
  [' ', { do: 'play' }],
  ['Enter', { do: 'pin' }],
  ['j', { do: 'events' }],
  ['g', { do: 'stream' }],
  ['d', { do: 'drift' }],
  ['f', { do: 'filter' }],
  ['/', { do: 'find' }],
  ['t', { do: 'table' }],
  ['s', { do: 'shortcuts' }],
  ['e', { do: 'export' }],
  ['l', { do: 'lasso' }],
  ['r', { do: 'block' }],
  ['k', { do: 'selectionList' }],
  ['m', { do: 'motion' }],
  ['c', { do: 'compare' }],
  ['x', { do: 'swap' }],
  ['[', { do: 'mark' }],
  ['b', { do: 'flip' }],
  ['a', { do: 'addPane' }],
  ['w', { do: 'closePane' }],
  ['p', { do: 'show' }],
  ['n', { do: 'sign' }],
  ['y', { do: 'link' }],
  ['o', { do: 'outlines' }],
  ['i', { do: 'similar' }],
  ['Home', { do: 'rowEnd', side: -1 }],
  ['End', { do: 'rowEnd', side: 1 }],
  ['PageUp', { do: 'layer', by: 1 }],
  ['PageDown', { do: 'layer', by: -1 }],
  ['Escape', { do: 'escape' }],
  ['?', { do: 'help' }],
]);

/** The command of a key, or null for keys that stay the browser's. */
export function commandOf(event: Key): Command | null {
  const { key, shiftKey, ctrlKey } = event;
  if (event.altKey || event.metaKey || (ctrlKey && shiftKey)) return null;
  const arrow = ARROWS.get(key);
  if (arrow !== undefined) {
    const [dx, dy] = arrow;
    return shiftKey ? { do: 'pan', dx, dy } : { do: 'cursor', dx, dy, cells: ctrlKey ? FAR : 1 };
  }
  return ctrlKey || isUnwanted(key) ? null : plain(key, shiftKey);
}

function isUnwanted(key: string): boolean {
  return /^\S$/.test(key) && wants('no-letter-keys');
}

function plain(key: string, shiftKey: boolean): Command | null {
  if (key === 'Enter' && shiftKey) return { do: 'keep' };
  if (/^[1-5]$/.test(key)) return { do: 'level', index: Number(key) - 1 };
  return COMMANDS.get(key) ?? null;
}
