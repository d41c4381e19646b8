// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { FIT } from '../../../src/domain/camera';
import type { Change } from '../../../src/domain/comparison/difference';
import type { Drift, DriftValues } from '../../../src/domain/comparison/drift';
import type { ColorMode } from '../../../src/domain/display_types';
import { sequential } from '../../../src/domain/map_colors';
import { rowsOf } from '../../../src/domain/sample_rows';
import type { OverlayFrame } from '../../../src/map/overlay';
import { paintCellFocus } from '../../../src/map/overlays/cell_values';
import { drawDifference } from '../../../src/map/overlays/difference';
import { drawHighlight } from '../../../src/map/overlays/highlight';
import { drawSelection } from '../../../src/map/overlays/selection';
import { drawChange, drawDisplacement } from '../../../src/map/overlays/step_change';
import { drawDivider } from '../../../src/map/overlays/swipe_divider';
import { THEMES } from '../../../src/map/theme';
import type { Atlas, Level } from '../../../src/wire/atlas';
import { smallAtlas, tensor } from '../../helpers/wire_builder';

const atlas = smallAtlas({}, { concepts: tensor('I32', new Int32Array([4, 4, 9, 9, 9, 4])) });
const level = atlas.levels[0] as Level;

interface Drawn {
  readonly name: string;
  readonly values: unknown[];
}

/** Draws over a map of 400 pixels from (200, 20), whose cells are 200 pixels. */
function drawn(
  draw: (context: CanvasRenderingContext2D, frame: OverlayFrame) => void,
  change: Partial<OverlayFrame> = {},
): (name: string) => unknown[][] {
  const calls: Drawn[] = [];
  const context = new Proxy({} as CanvasRenderingContext2D, {
    get:
      (_target, property) =>
      (...values: unknown[]) => {
        calls.push({ name: String(property), values });
        return { width: 30 };
      },
    set(_target, property, value) {
      calls.push({ name: `${String(property)}=`, values: [value] });
      return true;
    },
  });
  draw(context, {
    camera: FIT,
    viewport: { width: 800, height: 440 },
    ratio: 2,
    atlas,
    level,
    values: null,
    hover: null,
    pinned: null,
    theme: THEMES.light,
    painters: [],
    ...change,
  });
  return (name) => calls.filter((call) => call.name === name).map((call) => call.values);
}

/** Two cells, of which the first is significant. */
const found: DriftValues = {
  values: new Float32Array([0.5, 0.25]),
  most: 0.5,
  beyond: new Float32Array([0.5, 0.4]),
  significant: 1,
  mean: 0.3,
  beyondShare: 0.5,
};

describe('drift layer', () => {
  const drift: Drift = {
    ...found,
    from: new Float32Array([0.25, 0.25, 0.75, 0.25]),
    to: new Float32Array([0.5, 0.25, 0.75, 0.75]),
    values: new Float32Array([0.25, 0.5]),
  };

  it('draws significant moves as a wedge that ends where the samples are', () => {
    const of = drawn((context, frame) => drawDisplacement(context, frame, drift));
    // From (300, 120) to (400, 120): a neck 11 pixels before its point.
    expect(of('lineTo')).toEqual([
      [500, 320],
      [300, 120.7],
      [389, 122.1],
      [389, 125.6],
      [400, 120],
      [389, 114.4],
      [389, 117.9],
      [300, 119.3],
    ]);
  });

  it('draws what chance explains as a broken line from where they were', () => {
    const of = drawn((context, frame) => drawDisplacement(context, frame, drift));
    expect(of('moveTo')).toEqual([[500, 120]]);
    expect(of('setLineDash')).toEqual([[[2, 3]], [[]]]);
  });

  it('claims nothing without a floor', () => {
    const of = drawn((context, frame) =>
      drawDisplacement(context, frame, { ...drift, beyond: null }),
    );
    expect(of('moveTo')).toHaveLength(2);
    expect(of('closePath')).toEqual([]);
  });

  it('draws what is in view only', () => {
    const camera = { x: 0.75, y: 0.75, z: 8 };
    const of = drawn((context, frame) => drawDisplacement(context, frame, drift), { camera });
    expect(of('arc')).toHaveLength(1);
  });

  it('draws a dot for significant moves too small to point', () => {
    const near = { ...drift, from: drift.to };
    const of = drawn((context, frame) => drawDisplacement(context, frame, near));
    expect(of('arc').map((values) => values.slice(0, 3))).toEqual([
      [500, 320, 1.8],
      [400, 120, 3],
    ]);
  });
});

describe('layer of changes', () => {
  const of = (change: Partial<DriftValues> = {}) =>
    drawn((context, frame) => drawChange(context, frame, { ...found, ...change }));

  it('outlines significant cells broadly in their color, and the rest thinly over a dimmed icon', () => {
    expect(of()('strokeStyle=')).toEqual([
      [`rgb(${sequential(1).join()})`],
      [`rgb(${sequential(0.5).join()})`],
    ]);
    // Of 200 pixels: 30 if significant, 12 if not.
    expect(of()('lineWidth=')).toEqual([[30], [12]]);
    expect(of()('globalAlpha=')).toEqual([[0], [1], [1], [0.72], [0.6], [1], [1]]);
    expect(of()('fillText').map(([text]) => text)).toEqual(['.50', '.25']);
  });

  it('of nothing at all are at the low end of the scale', () => {
    const still = of({ values: new Float32Array(2), most: 0, beyond: new Float32Array(2) });
    const low = [`rgb(${sequential(0).join()})`];
    expect(still('strokeStyle=')).toEqual([low, low]);
    expect(still('fillText').map(([text]) => text)).toEqual(['0', '0']);
  });

  it('claims nothing without a floor, nor of what is not known', () => {
    expect(of({ beyond: null })('lineWidth=')).toEqual([[12], [12]]);
    const unknown = of({ values: new Float32Array([0.5, Number.NaN]) });
    expect(unknown('strokeRect')).toHaveLength(1);
  });
});

describe('reading layer', () => {
  const judged = { ...atlas, predictions: Int32Array.of(0, 1, 1, 2, 2, 1) };
  const reading = (mode: ColorMode, of: Atlas = judged, change: Partial<OverlayFrame> = {}) =>
    drawn(paintCellFocus(mode), { atlas: of, ...change });

  it('writes values, and frames cells of few samples with dots', () => {
    const of = reading('accuracy');
    expect(of('fillText').map(([text]) => text)).toEqual(['67%', '100%']);
    // Three and two samples are few.
    expect(of('setLineDash')).toEqual([[[1.5, 3]], [[]], [[1.5, 3]], [[]]]);
    expect(of('strokeRect')).toHaveLength(2);
    expect(reading('purity')('fillText').map(([text]) => text)).toEqual(['67%', '100%']);
  });

  it('names what cells are taken for, where there is room for words', () => {
    const of = reading('confusion');
    expect(of('fillText').map(([text]) => text)).toEqual(['33% as dog', '0%']);
    const small = { viewport: { width: 200, height: 200 } };
    expect(reading('confusion', judged, small)('fillText')[0]?.[0]).toBe('33%');
  });

  it('leaves numbers out where there is no room, and everything where there is no reading', () => {
    const small = { viewport: { width: 90, height: 90 } };
    const of = reading('accuracy', judged, small);
    expect([of('fillText'), of('strokeRect').length]).toEqual([[], 2]);
    expect(reading('icons')('strokeRect')).toEqual([]);
    expect(reading('accuracy', atlas)('strokeRect')).toEqual([]);
  });
});

describe('highlight layer', () => {
  const drawHighlighted = (...ids: number[]) =>
    drawn((context, frame) => drawHighlight(context, frame, rowsOf(atlas.concepts, ids)));

  it('dims cells by the share of others in them', () => {
    // Of the first cell two of three are members, of the second none.
    const veils = drawHighlighted(4)('globalAlpha=').map(([alpha]) => alpha as number);
    expect(veils.map((alpha) => Math.round(100 * alpha))).toEqual([25, 75, 100]);
  });

  it('compares with the samples that the tab has, if more are logged', () => {
    const counts = tensor('I32', new Int32Array([300, 200]));
    const some = smallAtlas({ logged_samples: 600 }, { 'grid2.counts': counts }).levels[0] as Level;
    const rows = rowsOf(atlas.concepts, [4]);
    const veils = drawn((context, frame) =>
      drawHighlight(context, { ...frame, level: some }, rows),
    );
    expect(veils('globalAlpha=').map(([alpha]) => Math.round(100 * (alpha as number)))).toEqual([
      25, 75, 100,
    ]);
  });

  it('draws the outline of a selection of all samples that the tab has of a cell', () => {
    const counts = tensor('I32', new Int32Array([300, 200]));
    const some = smallAtlas({ logged_samples: 600 }, { 'grid2.counts': counts }).levels[0] as Level;
    const draw = (rows: number[], of: Level) =>
      drawn((context, frame) =>
        drawSelection(context, { ...frame, level: of }, Int32Array.from(rows)),
      )('lineTo').length;
    expect(draw([0, 1, 2], some)).toBe(draw([0, 1, 2], level));
    expect(draw([0, 1, 2], some)).toBeGreaterThan(0);
  });

  it('frames the cells that hold enough and says how many members', () => {
    expect(drawHighlighted(4)('fillText').map(([text]) => text)).toEqual(['2']);
    expect(drawHighlighted(9)('fillText').map(([text]) => text)).toEqual(['1', '2']);
  });

  it('shows each member, also outside drawn cells', () => {
    expect(
      drawHighlighted(4)('arc').map(([x, y]) => [Math.round(x as number), Math.round(y as number)]),
    ).toEqual([
      [240, 60],
      [280, 100],
      [560, 60],
    ]);
  });

  it('shows nothing of concepts that are not there', () => {
    expect(drawHighlighted(77)('arc')).toEqual([]);
  });
});

describe('difference layer', () => {
  const change = (gain: number, more: Partial<Change> = {}): Change => ({
    row: 0,
    col: 0,
    gain,
    known: true,
    drawn: 'both',
    significant: true,
    ...more,
  });
  const draw = (
    changes: readonly Change[],
    range = { gained: 8, lost: 8 } as { gained: number; lost: number; toward?: number },
    frame = {},
  ) =>
    drawn(
      (context, one) =>
        drawDifference(context, one, {
          changes,
          onlyA: 0,
          onlyB: 0,
          moved: 9,
          toward: null,
          ...range,
        }),
      frame,
    );

  it('says a change of attribution in logits', () => {
    const range = { gained: 0.5, lost: 0.25, toward: 1 };
    const of = draw([change(0.5), change(-0.25)], range);
    expect(of('fillText').map(([words]) => words)).toEqual(['+.50', '−.25']);
  });

  it('fills a square for more and draws a hollow one for fewer, in proportion of area', () => {
    const of = draw([change(8), change(-2, { col: 1 })]);
    // The veil, then 84 % of a cell of 200 pixels around (300, 120).
    expect(of('fillRect')).toEqual([
      [0, 0, 800, 440],
      [216, 36, 168, 168],
    ]);
    // A quarter of the largest change has half its side; the line of 3 pixels lies inside.
    expect(of('strokeRect')).toEqual([[459.5, 79.5, 81, 81]]);
    expect(of('fillText').map(([text]) => text)).toEqual(['+8', '−2']);
  });

  it('says nothing of a square that keeps its number, though its cell may be new', () => {
    const of = draw([change(0), change(0, { col: 1, drawn: 'b' })]);
    expect(of('fillText')).toEqual([]);
    expect(of('strokeRect')).toEqual([
      [402, 22, 196, 196],
      [405, 25, 190, 190],
    ]);
  });

  it('frames cells of A alone with a broken line', () => {
    const of = draw([change(-3, { drawn: 'a' })]);
    expect(of('setLineDash')).toEqual([[[3, 3]], [[]]]);
  });

  it('pales what chance explains, and only that', () => {
    const drawPale = (significant: boolean | null) =>
      draw([change(4, { significant })])('globalAlpha=')
        .flat()
        .includes(0.35);
    expect([true, false, null].map(drawPale)).toEqual([false, true, false]);
  });

  it('puts a number under a square that it would hide', () => {
    const at = (gain: number) => draw([change(gain)], { gained: 1000, lost: 0 })('fillText')[0];
    expect(at(1000)).toEqual(['+1,000', 300, 120]);
    expect(at(1)).toEqual(['+1', 300, 209]);
  });

  it('draws what is in view only', () => {
    const of = draw([change(4)], undefined, { camera: { x: 0.9, y: 0.9, z: 8 } });
    expect(of('fillRect')).toHaveLength(1);
  });

  it('parts A from B with a line that says which is which', () => {
    const of = drawn((context, frame) => drawDivider(context, frame, 400, 'A', 'B'));
    expect(of('fillRect')).toEqual([
      [397.5, 0, 5, 440],
      [399, 0, 2, 440],
    ]);
    expect(of('fillText').map(([text, x]) => [text, x])).toEqual([
      ['A', 354],
      ['B', 416],
    ]);
  });
});
