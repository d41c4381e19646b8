// SPDX-License-Identifier: Apache-2.0
/** Formats numbers and names. */

/** Whole numbers with separators: 12,345. */
export function count(value: number): string {
  return value.toLocaleString('en');
}

/** A share as a percentage; small but real shares never read as nothing. */
export function percent(share: number): string {
  if (share < 0.001) return share > 0 ? '<0.1%' : '0%';
  return `${share < 0.1 ? (100 * share).toFixed(1) : Math.round(100 * share)}%`;
}

/** Two decimals without the idle zero: .95. */
export function fraction(value: number): string {
  return value.toFixed(2).replace(/^(-?)0\./, '$1.');
}

/** "1 step", "2 steps". */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Characters that would reorder the text around them. */
const REORDERING = /[\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Shortens `text` to one line of at most `limit` characters. Replaces control characters, lone surrogates,
 * and characters that XML forbids by spaces, and removes bidirectional controls.
 */
export function shorten(text: string, limit: number): string {
  const line = text
    .slice(0, 2 * limit + 2)
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]+/gu, ' ')
    .replace(REORDERING, '');
  const characters = [...line];
  if (characters.length <= limit) return characters.join('');
  return `${characters.slice(0, Math.max(1, limit - 1)).join('')}…`;
}

/** The parts of a name that fit, such as "cat" of "cat/dog 2" or "cat, dog", or its beginning. */
export function cutName(name: string, limit: number): string {
  const parts = name.length > limit && /^.+(?=[,/(])/.exec(name.slice(0, limit + 1))?.[0].trim();
  return shorten(parts || name, limit);
}

/** "+3", "−3" or "0". */
export function formatWithSign(value: number): string {
  return `${value > 0 ? '+' : value < 0 ? '−' : ''}${count(Math.abs(value))}`;
}
