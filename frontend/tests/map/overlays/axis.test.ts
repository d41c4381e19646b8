// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { type Camera, FIT } from '../../../src/domain/camera';
import { drawAxis } from '../../../src/map/overlays/axis';
import { THEMES } from '../../../src/map/theme';
import type { Atlas, Level } from '../../../src/wire/atlas';
import { classAtlas, pairAtlas } from '../../helpers/class_atlas_fixtures';
import { smallAtlas } from '../../helpers/wire_builder';

interface Drawn {
  readonly texts: readonly (readonly [text: string, x: number, y: number])[];
  /** Where every line goes, from and to. */
  readonly lines: readonly (readonly number[])[];
  readonly inks: ReadonlySet<unknown>;
}

/** On a map of 600 pixels from (100, 20), 800 wide in all; every letter is 5 pixels wide. */
function draw(
  atlas: Atlas,
  { camera = FIT, end = 800, stated = true, theme = THEMES.light } = {} as {
    camera?: Camera;
    end?: number;
    stated?: boolean;
    theme?: typeof THEMES.light;
  },
): Drawn {
  const texts: [string, number, number][] = [];
  const lines: number[][] = [];
  const inks = new Set<unknown>();
  let at: number[] = [];
  const context = {
    measureText: (text: string) => ({ width: 5 * text.length }),
    fillText: (text: string, x: number, y: number) => texts.push([text, x, y]),
    moveTo: (...point: number[]) => {
      at = point;
    },
    lineTo: (...point: number[]) => lines.push([...at, ...point]),
    set fillStyle(ink: unknown) {
      inks.add(ink);
    },
  };
  const rest = new Proxy(context, {
    get: (target, name) => Reflect.get(target, name) ?? (() => {}),
    set: (target, name, value) => Reflect.set(target, name, value) || true,
  });
  drawAxis(
    rest as unknown as CanvasRenderingContext2D,
    {
      camera,
      viewport: { width: 800, height: 640 },
      ratio: 1,
      atlas,
      level: atlas.levels[0] as Level,
      values: null,
      hover: null,
      pinned: null,
      theme,
      painters: [],
    },
    end,
    stated,
  );
  return { texts, lines, inks };
}

const wordsOf = ({ texts }: Drawn) => texts.map(([text]) => text);

describe('the axis of two classes', () => {
  it('has each class on its side, what the rims are, and neither in the middle', () => {
    const { texts, lines } = draw(pairAtlas());
    expect(texts.map(([text]) => text)).toEqual([
      'more for dog · +.16 logits',
      'more for cat · +.16 logits',
      'no difference',
    ]);
    // Above the map, which begins at 20; the ends of the words are 10 + 5 from the ends of the line.
    expect(new Set(texts.map(([, , y]) => y))).toEqual(new Set([10.5]));
    const [left, right, middle] = texts.map(([text, x]) => [x, x + 5 * text.length]);
    expect([left?.[0], right?.[1]]).toEqual([115, 685]);
    expect(((middle?.[0] ?? 0) + (middle?.[1] ?? 0)) / 2).toBe(400);
    expect(lines).toContainEqual([400, 20, 400, 620]);
    expect(lines).toContainEqual([100, 10, 700, 10]);
  });

  it('turns with what the atlas states', () => {
    const axis = { left: 0, right: 1, reach: 2.5, trustworthiness: null };
    expect(wordsOf(draw(pairAtlas({ axis }))).slice(0, 2)).toEqual([
      'more for cat · +2.50 logits',
      'more for dog · +2.50 logits',
    ]);
  });

  it('stays at the edge of the view when the map goes beyond it, without what the rim would be', () => {
    const near = draw(pairAtlas(), { camera: { x: 0.4, y: 0.5, z: 3 } });
    expect(wordsOf(near)).toEqual(['more for dog', 'more for cat', 'no difference']);
    expect(near.lines).toContainEqual([6, 10, 794, 10]);
    expect(near.lines).toContainEqual([580, 10, 580, 640]);
    const aside = draw(pairAtlas(), { camera: { x: 0.1, y: 0.5, z: 3 } });
    expect(wordsOf(aside)).toEqual(['more for dog', 'more for cat']);
    expect(aside.lines.some(([x, , to]) => x === to)).toBe(false);
  });

  it('goes down with the map, but not out of view', () => {
    const heights = (y: number) => draw(pairAtlas(), { camera: { x: 0.5, y, z: 1 } }).texts[0]?.[2];
    expect([0.5, 0.4, 0].map(heights)).toEqual([10.5, 70.5, 310.5]);
    expect(draw(pairAtlas(), { camera: { x: 0.5, y: 0.5, z: 0.6 } }).texts[0]?.[2]).toBe(130.5);
  });

  it('ends before panels at the right, and shows no number while two steps share it', () => {
    const { texts, lines } = draw(pairAtlas(), { end: 468 });
    expect(texts.map(([text]) => text)).toEqual(['more for dog', 'more for cat']);
    expect(lines).toContainEqual([100, 10, 462, 10]);
    expect(wordsOf(draw(pairAtlas(), { stated: false }))[0]).toBe('more for dog');
  });

  it('shortens long names, and leaves all away where there is no room', () => {
    const long = pairAtlas({ names: ['x'.repeat(60), '\u202egnp'] });
    expect(wordsOf(draw(long)).slice(0, 2)).toEqual([
      'more for gnp · +.16 logits',
      `more for ${'x'.repeat(19)}… · +.16 logits`,
    ]);
    expect(draw(long, { end: 240 })).toMatchObject({ texts: [], lines: [] });
  });

  it('is drawn in the inks of the theme', () => {
    for (const theme of [THEMES.light, THEMES.dark]) {
      const { inks } = draw(pairAtlas(), { theme });
      expect([...inks]).toEqual([theme.label, `rgb(${theme.ground.join()})`]);
    }
  });

  it('is nothing for one class and for a layer', () => {
    expect(draw(classAtlas()).texts).toEqual([]);
    expect(draw(smallAtlas()).lines).toEqual([]);
  });
});
