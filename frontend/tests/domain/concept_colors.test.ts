// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { conceptColor, NO_CONCEPT_COLOR } from '../../src/domain/concept_colors';
import { toRgb } from '../../src/domain/map_colors';
import { THEMES } from '../../src/map/theme';

const IDS = Array.from({ length: 20 }, (_, id) => id);

/** Relative luminance of WCAG. */
function luminance(rgb: readonly number[]): number {
  const [r = 0, g = 0, b = 0] = rgb.map((byte) => {
    const value = byte / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: readonly number[], b: readonly number[]): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

describe.each([
  ['light', false],
  ['dark', true],
] as const)('colors of concepts in the %s theme', (theme, dark) => {
  it('are twenty different ones, and then repeat', () => {
    expect(new Set(IDS.map((id) => conceptColor(id, dark))).size).toBe(20);
    for (const id of IDS) expect(conceptColor(id + 20, dark)).toBe(conceptColor(id, dark));
  });

  it('differ between the concepts that are born first at each of twenty steps', () => {
    const colors = IDS.map((step) => conceptColor(1000 * step, dark));
    expect(new Set(colors).size).toBe(20);
  });

  it('are visible on the ground of the map', () => {
    for (const id of IDS) {
      const rgb = toRgb(conceptColor(id, dark));
      expect(contrast(rgb, THEMES[theme].ground)).toBeGreaterThan(1.9);
    }
  });

  it('are gray for no concept, and for an id that is not a whole number', () => {
    expect(conceptColor(-1, dark)).toBe(NO_CONCEPT_COLOR);
    expect(conceptColor(Number.NaN, dark)).toBe(NO_CONCEPT_COLOR);
  });

  it('differ clearly between ids that follow each other', () => {
    for (const id of IDS) {
      for (const next of [1, 2, 3, 4]) {
        const [a, b] = [conceptColor(id, dark), conceptColor(id + next, dark)].map(toRgb);
        const apart = Math.hypot(...[0, 1, 2].map((i) => (a?.[i] ?? 0) - (b?.[i] ?? 0)));
        expect(apart, `${id} and ${id + next}`).toBeGreaterThan(48);
      }
    }
  });
});
