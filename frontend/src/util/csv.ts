// SPDX-License-Identifier: Apache-2.0
/** Comma-separated values, safe to open in a spreadsheet. */

import { shorten } from './format';

const LONGEST_TEXT = 1000;

/** Text that a spreadsheet reads as a formula, also in full width and after blanks. */
const FORMULA = /^\s*[=+\-@＝＋－＠]/;

export type CsvValue = string | number | null;

/** One field: numbers as they are, nothing for what is not known, text always quoted and never a formula. */
export function csvField(value: CsvValue): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  if (value === null) return '';
  const text = shorten(value, LONGEST_TEXT);
  return `"${FORMULA.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"`;
}

export function csvText(lines: readonly (readonly CsvValue[])[]): string {
  return lines.map((values) => `${values.map(csvField).join()}\r\n`).join('');
}
