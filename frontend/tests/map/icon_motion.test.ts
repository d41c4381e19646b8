// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, it } from 'vitest';
import { FIT } from '../../src/domain/camera';
import { IconMotion } from '../../src/map/icon_motion';
import { CanvasRenderer } from '../../src/render/canvas_renderer';
import { MotionPass } from '../../src/render/gl/moving_icons_pass';
import { PointsPass } from '../../src/render/gl/points_pass';
import type { Frame, Scene, WeightedScene } from '../../src/render/scene';
import { WebglRenderer } from '../../src/render/webgl_renderer';
import type { Level } from '../../src/wire/atlas';
import { type FakeGl, fakeGl } from '../helpers/fake_gl';
import { smallAtlas, smallProvenance, tensor } from '../helpers/wire_builder';

/** All samples 0.1 to the right and down of where they were. */
const old = smallAtlas();
const shifted = Float32Array.from(old.xy, (place) => Math.min(1, place + 0.1));
const young = { ...smallAtlas({}, { xy: tensor('F32', shifted, 6, 2) }), step: 8 };
const picture = { width: 16, height: 8 } as ImageBitmap;

function scene(atlas = old, change: Partial<Scene> = {}): Scene {
  const level = atlas.levels[0] as Level;
  const colors = { cellColors: null, pointColors: null };
  return { atlas, level, pages: [picture], tiles: true, ...colors, ...change };
}

function carry(weight: number, from = scene(old), to = scene(young)): readonly WeightedScene[] {
  const older = { item: from, weight: 1 - weight };
  const pair = new IconMotion().interpolate(older, { item: to, weight });
  if (pair === null) throw new Error('not carried');
  return pair;
}

function frame(scenes: readonly WeightedScene[]): Frame {
  return {
    camera: FIT,
    viewport: { width: 400, height: 220 },
    ratio: 2,
    scenes,
    neutral: [255, 0, 0],
    ground: [0, 255, 0],
  };
}

const round = (values: Iterable<number> | undefined) =>
  Array.from(values ?? [], (one) => Math.round(1e3 * one) / 1e3);

describe('travel', () => {
  it('moves each icon by the mean displacement of its members', () => {
    const [older, newer] = carry(0.5);
    // The places 0.8 and 0.9 of cell 1, and 0.9 at the rim, go to 0.9 and 1.
    expect(round(older?.motion?.displacements)).toEqual([0.1, 0.1, 0.1, 0.1]);
    expect(round(newer?.motion?.displacements)).toEqual([-0.1, -0.1, -0.1, -0.1]);
  });

  it('begins where the old step was and ends where the new one is', () => {
    const shares = (weight: number) => carry(weight).map(({ motion }) => motion?.share);
    expect(shares(0)).toEqual([0, 1]);
    expect(shares(0.5)).toEqual([0.5, 0.5]);
    expect(shares(1)).toEqual([1, 0]);
    expect(round(carry(0)[0]?.motion?.points)).toEqual(round(old.xy));
    expect(round(carry(1)[0]?.motion?.points)).toEqual(round(young.xy));
  });

  it('never shows the background half way', () => {
    const weights = [0, 0.25, 0.5, 0.75, 1].map((w) => carry(w).map(({ weight }) => weight));
    expect(weights).toEqual([
      [1, 0],
      [1, 0.5],
      [1, 1],
      [0.5, 1],
      [0, 1],
    ]);
  });

  it('follows nothing between grids of one step, nor between different probes', () => {
    const carry = (atlas: typeof old) =>
      new IconMotion().interpolate(
        { item: scene(old), weight: 0.5 },
        { item: scene(atlas), weight: 0.5 },
      );
    expect(carry(old)).toBeNull();
    const provenance = smallProvenance({ probe: 'bb' });
    expect(carry(smallAtlas({ provenance }))).toBeNull();
  });
});

describe('motion pass', () => {
  let fake: FakeGl;
  let renderer: WebglRenderer;
  beforeEach(() => {
    fake = fakeGl();
    renderer = new WebglRenderer(fake.gl);
    renderer.addMotion((gl, sheets) => new MotionPass(gl, sheets));
    fake.calls.length = 0;
  });

  const uniform = (name: string) =>
    fake.calls
      .filter((call) => call.name.startsWith('uniform') && call.values[0] === name)
      .map(({ values }) => values[1]);

  it('draws both steps over each other, page by page', () => {
    renderer.draw(frame(carry(0.5)));
    // Cell 1 has no icon, and comes first; each quad has six indices.
    expect(fake.of('drawElements')).toEqual([
      ['TRIANGLES', 6, 'UNSIGNED_INT', 0],
      ['TRIANGLES', 6, 'UNSIGNED_INT', 24],
      ['TRIANGLES', 6, 'UNSIGNED_INT', 0],
      ['TRIANGLES', 6, 'UNSIGNED_INT', 24],
    ]);
    expect(fake.of('drawArrays')).toEqual([]);
    expect(fake.of('blendFunc')).toContainEqual(['ONE', 'ONE_MINUS_SRC_ALPHA']);
    expect(uniform('uHasSheet')).toEqual([0, 1, 0, 1]);
    expect(uniform('uShare')).toEqual([0.5, 0.5]);
  });

  it('passes each corner the center and displacement of its cell, and the side and place of its tile', () => {
    renderer.draw(frame(carry(0.5)));
    const [corners] = fake.of('bufferData').map(([, data]) => data as Float32Array);
    expect(round(corners?.subarray(0, 6))).toEqual([0.25, 0.25, 0.1, 0.1, 0.48, 0]);
    expect(round(corners?.subarray(24, 30)).slice(0, 2)).toEqual([0.75, 0.75]);
    expect(corners).toHaveLength(2 * 4 * 6);
  });

  it('uploads once for a whole way, and frees everything at its end', () => {
    const motion = new IconMotion();
    const [from, to] = [scene(old), scene(young)];
    for (const weight of [0.2, 0.6]) {
      const pair = motion.interpolate({ item: from, weight: 1 - weight }, { item: to, weight });
      renderer.draw(frame(pair ?? []));
    }
    expect(fake.of('createVertexArray')).toHaveLength(2);
    renderer.draw(frame([{ scene: to, weight: 1 }]));
    expect(fake.of('deleteVertexArray')).toHaveLength(2);
    expect(fake.of('deleteBuffer')).toHaveLength(6);
  });

  it('carries the rims of cells along', () => {
    const cellColors = new Uint8Array([1, 2, 3, 255, 4, 5, 6, 255]);
    renderer.draw(frame(carry(0.5, scene(old, { cellColors }))));
    const rims = fake.of('bufferData')[1]?.[1] as Uint8Array;
    expect([...rims.subarray(0, 8)]).toEqual([1, 2, 3, 255, 1, 2, 3, 255]);
    expect([...rims.subarray(16, 20)]).toEqual([4, 5, 6, 255]);
  });

  it('moves points, and puts them back', () => {
    renderer.addPoints((gl) => new PointsPass(gl));
    const pointColors = new Uint8Array(24).fill(255);
    const [from, to] = [scene(old, { pointColors }), scene(young, { pointColors })];
    const pair = carry(0.5, from, to);
    renderer.draw(frame(pair));
    const placedData = () => fake.of('bufferData').map(([, data]) => data);
    expect(placedData()).toContain(pair[0]?.motion?.points);
    renderer.draw(frame([{ scene: to, weight: 1 }]));
    expect(placedData()).toContain(young.xy);
  });
});

describe('motion on a plain canvas', () => {
  it('moves tiles by their share of the way', () => {
    const calls: unknown[][] = [];
    const context = new Proxy({} as CanvasRenderingContext2D, {
      get:
        (_target, property) =>
        (...values: unknown[]) => {
          if (property === 'drawImage') calls.push(values);
        },
      set: () => true,
    });
    const canvas = { width: 800, height: 440 } as HTMLCanvasElement;
    new CanvasRenderer(canvas, context).draw(frame(carry(0.5)));
    // The map is 180 across from (110, 20). Both are half of 0.1 away from their place.
    const rest = 110 + 45 - 43.2;
    expect(round(calls.map((values) => values[5] as number))).toEqual(round([rest + 9, rest - 9]));
  });
});
