// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { FIT } from '../../../src/domain/camera';
import { conceptColor } from '../../../src/domain/concept_colors';
import { territoriesOf } from '../../../src/domain/concept_territories';
import type { OverlayFrame } from '../../../src/map/overlay';
import { drawConcepts } from '../../../src/map/overlays/concept_outlines';
import { THEMES } from '../../../src/map/theme';
import { cutName } from '../../../src/util/format';
import { drawAtlas, ID } from '../../helpers/concept_fixtures';

const UNTRUSTED = '<img src=x onerror=alert(1)>\u202e\u0000';

/** Draws over a map of 400 pixels from (200, 20); a character is 7 pixels wide. */
function draw(
  picture: readonly string[],
  { nameOf, dark = false, z = 1, range = [0, 800] as readonly [number, number] } = {} as {
    nameOf?: (letter: string) => string;
    dark?: boolean;
    z?: number;
    range?: readonly [number, number];
  },
) {
  const { atlas, level } = drawAtlas(picture, nameOf);
  const calls: [string, ...unknown[]][] = [];
  const context = new Proxy({} as CanvasRenderingContext2D, {
    get:
      (_target, property) =>
      (...values: unknown[]) => {
        calls.push([String(property), ...values]);
        return { width: 7 * String(values[0]).length };
      },
    set(_target, property, value) {
      calls.push([`${String(property)}=`, value]);
      return true;
    },
  });
  const frame = {
    ...{ camera: { ...FIT, z }, viewport: { width: 800, height: 440 }, ratio: 1, atlas, level },
    ...{ values: null, hover: null, pinned: null, painters: [] },
    theme: THEMES[dark ? 'dark' : 'light'],
  } satisfies OverlayFrame;
  const found = territoriesOf(atlas, level);
  if (found === null) throw new Error('no territories');
  const names = drawConcepts(context, frame, found, range, dark);
  const of = (name: string) => calls.filter(([call]) => call === name).map(([, ...rest]) => rest);
  return { names, calls, of };
}

describe('borders', () => {
  it('run between the cells of two concepts and around all, on a line of the ground', () => {
    const { of } = draw(['ab', 'ab']);
    const lines = of('moveTo').map((from, i) => [...from, ...(of('lineTo')[i] ?? [])]);
    expect(lines).toContainEqual([400, 20, 400, 420]);
    expect(lines).toContainEqual([200, 20, 200, 420]);
    expect(of('strokeStyle=').slice(0, 2)).toEqual([
      [THEMES.light.labelGround],
      [THEMES.light.label],
    ]);
    const [halo, ink] = of('lineWidth=').flat() as number[];
    expect(halo).toBeGreaterThan(ink as number);
  });

  it('are thinner between small cells', () => {
    const wide = draw(['ab', 'ab']).of('lineWidth=')[1]?.[0] as number;
    const thin = draw(['ab', 'ab'], { z: 0.1 }).of('lineWidth=')[1]?.[0] as number;
    expect(thin).toBeLessThan(wide);
  });

  it('outside the view are left out', () => {
    const all = draw(['ab', 'cd']).of('moveTo').length;
    expect(draw(['ab', 'cd'], { z: 8 }).of('moveTo').length).toBeLessThan(all);
  });

  it('leave the canvas as they found it', () => {
    const { of } = draw(['ab', 'ab']);
    expect(of('globalAlpha=').at(-1)).toEqual([1]);
    expect(of('lineCap=').at(-1)).toEqual(['butt']);
  });
});

describe('names', () => {
  it('have a halo below them and a dot of their color in front, in both themes', () => {
    for (const dark of [false, true]) {
      const { of, calls, names } = draw(['ab', 'ab'], { dark });
      expect(names).toHaveLength(2);
      expect(of('fillText').map(([text]) => text)).toEqual(['a', 'b']);
      expect(of('strokeText')).toEqual(of('fillText'));
      const order = calls.map(([name]) => name);
      expect(order.indexOf('strokeText')).toBeLessThan(order.indexOf('fillText'));
      const inks = of('fillStyle=').flat();
      expect(inks).toContain(conceptColor(ID.a, dark));
      expect(inks).toContain(conceptColor(ID.b, dark));
      expect(inks).toContain(THEMES[dark ? 'dark' : 'light'].label);
    }
  });

  it('are drawn as one line of plain text, shortened', () => {
    const { of } = draw(['aa', 'aa'], { nameOf: () => UNTRUSTED.repeat(50) });
    const [text] = of('fillText')[0] as [string];
    expect([...text].length).toBeLessThanOrEqual(26);
    expect(text.startsWith('<img src=x')).toBe(true);
    expect([...text].some((one) => '\u202e\u0000'.includes(one))).toBe(false);
  });

  it('are as long as fits into their territory', () => {
    const nameOf = (letter: string) => `${letter}irplane, ${letter}utomobile`;
    const [wide] = draw(['aa', 'bb'], { nameOf }).of('fillText');
    expect(wide?.[0]).toBe('airplane, automobile');
    const [narrow] = draw(['aabb', 'aabb', 'ccdd', 'ccdd'], { nameOf, z: 0.5 }).of('fillText');
    expect(narrow?.[0]).toBe('airplane');
  });

  it('stay between the ends that are given', () => {
    const { names, of } = draw(['aa', 'aa'], { range: [450, 800] });
    expect(names).toHaveLength(1);
    expect(of('fillText')[0]?.[1]).toBeGreaterThan(450);
    expect(draw(['aa', 'aa'], { range: [700, 800] }).names).toEqual([]);
  });

  it('are whole pixels, so that they are sharp', () => {
    for (const [, x, y] of draw(['ab', 'cd'], { z: 1.237 }).of('fillText')) {
      expect(Number.isInteger(x) && Number.isInteger(y)).toBe(true);
    }
  });
});

describe('cut names', () => {
  it.each([
    ['cat', 10, 'cat'],
    ['cat, dog', 8, 'cat, dog'],
    ['cat, dog', 7, 'cat'],
    ['cat, dog, ship', 9, 'cat, dog'],
    ['automobile, dog', 6, 'autom…'],
    ['cat/dog 2', 8, 'cat'],
    ['sky, blue (airplane 41 %, ship 30 %)', 20, 'sky, blue'],
    ['automobile', 6, 'autom…'],
    [', cat', 3, ', …'],
    ['', 3, ''],
  ])('%j in %d characters is %j', (name, limit, cut) => {
    expect(cutName(name, limit)).toBe(cut);
  });
});
