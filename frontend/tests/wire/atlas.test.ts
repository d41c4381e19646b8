// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { cellAt, className, kindOf, readAtlas } from '../../src/wire/atlas';
import { WireError } from '../../src/wire/json_checks';
import { readIndex } from '../../src/wire/manifest';
import { splitPack } from '../../src/wire/packed_response';
import { readProbeManifest } from '../../src/wire/probe';
import {
  blobEntry,
  pack,
  safetensors,
  smallAtlas,
  smallManifest,
  smallTensors,
  tensor,
} from '../helpers/wire_builder';

describe('splitPack', () => {
  it('finds the blob at a multiple of eight', () => {
    const { manifest, buffer, blobStart } = splitPack(pack({ a: 1 }, new Uint8Array([42]).buffer));
    expect(manifest).toEqual({ a: 1 });
    expect(blobStart % 8).toBe(0);
    expect(new Uint8Array(buffer, blobStart)[0]).toBe(42);
  });

  it.each([
    ['nothing', new ArrayBuffer(0)],
    ['a manifest longer than the response', new Uint32Array([100, 0]).buffer],
    ['a manifest of 5 MiB', new Uint32Array([5 << 20, 0]).buffer],
    ['a manifest that is not JSON', new Uint32Array([4, 0x20202020]).buffer],
  ])('refuses %s', (_what, response) => {
    expect(() => splitPack(response)).toThrow(WireError);
  });
});

describe('readAtlas', () => {
  it('reads samples, cells and pages', () => {
    const atlas = smallAtlas();
    const level = atlas.levels[0];
    expect(atlas.count).toBe(6);
    expect(atlas.predictions).toBeNull();
    expect(level && [...level.lookup]).toEqual([0, -1, -1, 1]);
    expect(level?.covered).toBeCloseTo(5 / 6);
    expect(level?.entry.pages).toEqual([{ blob: 3, crc32c: '00000002' }]);
  });

  it('finds cells by place and says how they are drawn', () => {
    const level = smallAtlas().levels[0];
    if (level === undefined) throw new Error('no level');
    expect(cellAt(level, 1, 1)).toBe(1);
    expect(cellAt(level, 0, 1)).toBe(-1);
    expect(cellAt(level, 0, 2)).toBe(-1);
    expect(cellAt(level, -1, 0)).toBe(-1);
    expect([kindOf(level, 0), kindOf(level, 1)]).toEqual(['inversion', 'none']);
  });

  it('names classes by number where names are missing', () => {
    expect(className(smallAtlas(), 1)).toBe('dog');
    expect(className(smallAtlas(), 9)).toBe('class 9');
    expect(className(smallAtlas({ classes: null }), 1)).toBe('class 1');
  });

  const manifests: [string, Record<string, unknown>][] = [
    ['another kind', { kind: 'probe' }],
    ['another version', { version: 1 }],
    ['another step', { step: 8 }],
    ['more samples than arrays', { samples: 7 }],
    ['a million millions of samples', { samples: 1e12 }],
    ['no grid', { grids: [] }],
    ['a grid too large', { grids: [{ size: 10_000, cells: 2, tile: 8, columns: 2 }] }],
    ['more cells than squares', { grids: [{ size: 2, cells: 5, tile: 8, columns: 2 }] }],
    ['pages too wide', { grids: [{ size: 2, cells: 2, tile: 2048, columns: 2 }] }],
    ['a missing page', { blobs: [blobEntry('map', '0')] }],
    ['a class that is not text', { classes: [1] }],
    ['no provenance', { provenance: null }],
    ['no sample', { samples: 0 }],
    ['an unknown kind of activations', { activations: { kind: 'zip', lost_variance: 0 } }],
    ['a concept that is none', { concepts: [{ id: 'x' }] }],
  ];
  it.each(manifests)('refuses a manifest with %s', (_what, change) => {
    expect(() => smallAtlas(change)).toThrow(WireError);
  });

  it.each([
    ['grid2.rows', new Int32Array([0, 2])],
    ['grid2.cols', new Int32Array([-1, 1])],
    ['grid2.cell_of', new Int32Array([0, 0, 0, 1, 2, -1])],
  ])('refuses %s that points outside the grid', (name, data) => {
    expect(() => smallAtlas({}, { [name]: tensor('I32', data) })).toThrow(name);
  });

  it('refuses a missing array', () => {
    const { xy: _, ...rest } = smallTensors();
    expect(() => readAtlas('s', 7, pack(smallManifest(), safetensors(rest)))).toThrow('array xy');
  });
});

function index(...runs: unknown[]): unknown {
  return { version: 2, kept_limit: null, runs };
}

describe('readIndex', () => {
  it('accepts as many runs and layers as TensorBoard has', () => {
    const series = { layer: 'l', steps: [1], wall_times: [1], versions: ['a'], shortcuts: [] };
    const many = Array.from({ length: 20_000 }, (_, i) => ({ ...series, id: `s${i}` }));
    const runs = many.map(({ id }) => ({ id, run: id, probe: true, series: [] }));
    const found = readIndex(index(...runs, { id: 'r', run: 'r', probe: true, series: many }));
    expect(found.length).toBe(20_001);
    expect(found.at(-1)?.series.length).toBe(20_000);
  });

  it('keeps names as they are, markup and all', () => {
    const run = { id: 'r1', run: '<b>x</b>\u202e', probe: true, series: [] };
    expect(readIndex(index(run))[0]?.run).toBe('<b>x</b>\u202e');
  });

  it('reads where shortcuts were searched for', () => {
    const one = { id: 's', layer: 'l', steps: [1, 2], wall_times: [1, 2], versions: ['a', 'b'] };
    const series = [
      { ...one, shortcuts: [] },
      { ...one, shortcuts: [2] },
    ];
    const json = index({ id: 'r', run: 'x', probe: false, series });
    expect(readIndex(json)[0]?.series.map(({ shortcuts }) => shortcuts)).toEqual([[], [2]]);
  });

  it.each([
    { wall_times: [1], versions: ['a', 'b'] },
    { wall_times: [1, 2], versions: ['a'] },
  ])('refuses steps without times or versions', (lists) => {
    const series = [{ id: 's', layer: 'l', steps: [1, 2], shortcuts: [], ...lists }];
    const json = index({ id: 'r', run: 'x', probe: false, series });
    expect(() => readIndex(json)).toThrow('steps without times or versions');
  });
});

describe('readProbeManifest', () => {
  const probe = {
    kind: 'probe',
    version: 4,
    classes: null,
    digest: 'aa',
    images: 5,
    input_size: [32, 32],
    thumb_size: [16, 16],
    tile: 16,
    columns: 2,
    blobs: [
      blobEntry('probe', '0'),
      { ...blobEntry('thumbs', '2'), page: 1 },
      { ...blobEntry('thumbs', '1'), page: 0 },
    ],
  };

  it('puts pages in order', () => {
    expect(readProbeManifest(probe).pages.map(({ blob }) => blob)).toEqual([3, 2]);
  });

  it.each([
    ['too few pages', { images: 9 }],
    ['thumbnails larger than their tile', { thumb_size: [17, 16] }],
    ['a size of nothing', { input_size: [0, 32] }],
    ['a size that is not a pair', { input_size: [32] }],
  ])('refuses %s', (_what, change) => {
    expect(() => readProbeManifest({ ...probe, ...change })).toThrow(WireError);
  });
});
