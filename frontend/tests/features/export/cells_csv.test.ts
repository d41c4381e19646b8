// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { cellsAsCsv } from '../../../src/features/export/cells_csv';
import { csvField } from '../../../src/util/csv';
import type { Level } from '../../../src/wire/atlas';
import { attributionAtlas } from '../../helpers/class_fixtures';
import { smallAtlas } from '../../helpers/wire_builder';

describe('a field', () => {
  it('is a number as it is, and nothing where there is none', () => {
    expect([1, -0.5, 1e-7, Number.NaN, Infinity, null].map(csvField)).toEqual([
      ...['1', '-0.5', '1e-7', '', '', ''],
    ]);
  });

  it('is quoted text otherwise', () => {
    expect(csvField('cat, or "dog"')).toBe('"cat, or ""dog"""');
    expect(csvField('')).toBe('""');
    expect(csvField('two\r\nlines\u0000')).toBe('"two lines "');
    expect(csvField('x'.repeat(10_000))).toHaveLength(1002);
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '  =1', '\t=1', '\r=1', '＝1', '\u202e=1'])(
    'never becomes a formula: %j',
    (text) => expect(csvField(text)).toMatch(/^"'/),
  );
});

describe('the file', () => {
  const lines = (text: string) => text.split('\r\n').map((line) => line.split(','));

  it('holds every cell with where it comes from', () => {
    const atlas = attributionAtlas();
    const [head, first, second, , , end] = lines(
      cellsAsCsv('exp/atlas', atlas, atlas.levels[0] as Level),
    );
    expect(head?.[0]).toBe('"run"');
    expect(head).toHaveLength(17);
    expect(first).toEqual([
      ...['"exp/atlas"', '"layer3"', '7', '2', '0', '0', '10', String(10 / 31), '"none"', ''],
      ...['"labels"', '"cat"', '0', '0.6', '"cat"', '0', '0.5'],
    ]);
    expect(second?.slice(-3)).toEqual(['"cat"', '0', '-1']);
    expect(end).toEqual(['']);
  });

  it('leaves empty what was not recorded', () => {
    const bare = { ...smallAtlas(), labels: null };
    const [, first] = lines(cellsAsCsv('=r', bare, bare.levels[0] as Level));
    expect(first?.[0]).toBe('"\'=r"');
    expect(first?.slice(8)).toEqual(['"inversion"', '0.25', '', '', '', '', '', '', '']);
  });
});
