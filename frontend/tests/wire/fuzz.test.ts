// SPDX-License-Identifier: Apache-2.0
/**
 * Thousands of responses that no server of ours sends: each is refused by type, or read into something
 * that the panels can work with. `ATLAS_LONG=1` makes it 24,000 of them.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  formatCell,
  majority,
  membersOf,
  nearestOnMap,
  nextCell,
  tallyIcons,
} from '../../src/domain/cell_stats';
import { classAtlasOf } from '../../src/domain/class_atlas';
import { listClasses } from '../../src/domain/class_choices';
import { applyFilter } from '../../src/domain/class_filter';
import { findDrift } from '../../src/domain/comparison/drift';
import { findFalls, findTurns } from '../../src/domain/comparison/drift_quantities';
import { differences, findLinkedCells } from '../../src/domain/comparison/sample_matching';
import { frameOf } from '../../src/domain/concept_history';
import { conceptsIn } from '../../src/domain/concepts';
import { coloring } from '../../src/domain/map_colors';
import { groupSeries } from '../../src/domain/series/class_series';
import { findRun, findSeries } from '../../src/domain/series/series_lookup';
import { cropOfSample } from '../../src/domain/thumbnail_crop';
import { cellsAsCsv } from '../../src/features/export/cells_csv';
import { findResults } from '../../src/features/search/map_search';
import { readHash, writeHash } from '../../src/host/url_hash';
import { readLink } from '../../src/state/deep_link';
import { readPins } from '../../src/state/pins';
import { readSavedSelections } from '../../src/state/saved_selections';
import { readActivations } from '../../src/wire/activations';
import { type Atlas, cellAt, type Level, readAtlas } from '../../src/wire/atlas';
import { findAttribution, strongestClasses } from '../../src/wire/attribution';
import { WireError } from '../../src/wire/json_checks';
import { readIndex } from '../../src/wire/manifest';
import { splitPack } from '../../src/wire/packed_response';
import { type Probe, readProbeManifest } from '../../src/wire/probe';
import { readSafetensors, Tensors } from '../../src/wire/safetensors';
import { readHistory } from '../../src/wire/series_history';
import { readSearch } from '../../src/wire/shortcut_record';
import { webpSize } from '../../src/wire/webp_size';
import { historyJson, indexJson, probeBytes } from '../helpers/fake_server';
import { searchJson } from '../helpers/shortcut_fixtures';
import {
  pack,
  rawSafetensors,
  safetensors,
  smallManifest,
  smallProvenance,
  smallTensors,
  tensor,
} from '../helpers/wire_builder';

const COUNT = process.env.ATLAS_LONG ? 24_000 : 2_400;

/** Numbers that are the same on every machine (mulberry32). */
class Chance {
  constructor(private seed: number) {}

  next(): number {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const ODD: readonly unknown[] = [
  ...[null, true, false, 0, 1, -1, 2, 0.5, -0, 1e308, 2 ** 31, 2 ** 53, -(2 ** 53), 1e21],
  ...['', 'x', '__proto__', 'constructor', 'toString', '<img src=x>', '\u202e', '\ud800', '\0'],
  ...[[], {}, [null], [[]], [{}], { '': null }, Array(300).fill(0), 'x'.repeat(5000)],
  ...[{ dtype: 'F32', shape: [0, 1e15], data_offsets: [0, 0] }, [0, 4], [-1, 4], [6], 'F64', 'U8'],
];

type Container = Record<string, unknown>;

/** Every container and key of a JSON value. */
function places(value: unknown, found: [Container, string][] = []): [Container, string][] {
  if (typeof value !== 'object' || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value as Container, key]);
    places((value as Container)[key], found);
  }
  return found;
}

/** Puts another value in one or two places, takes the place away, or doubles it. */
function broken(json: unknown, chance: Chance): unknown {
  const copy = { root: JSON.parse(JSON.stringify(json)) as unknown };
  for (let times = 1 + chance.below(2); times > 0; times--) {
    const [where, key] = chance.of(places(copy));
    const kind = chance.next();
    if (kind < 0.15 && Array.isArray(where)) where.splice(Number(key), 1);
    else if (kind < 0.15 && where !== copy) delete where[key];
    else if (kind < 0.25 && Array.isArray(where)) where.splice(Number(key), 0, where[key]);
    else if (kind < 0.35 && typeof where[key] === 'number') {
      where[key] = (where[key] as number) + chance.of([-1, 1, 256, 2 ** 32, 0.5]);
    } else where[key] = structuredClone(chance.of(ODD));
  }
  // As it comes out of JSON: whatever no JSON holds is null.
  return JSON.parse(JSON.stringify(copy.root)) as unknown;
}

/** Flips, cuts, inserts or overwrites some bytes. */
function torn(whole: ArrayBuffer, chance: Chance): ArrayBuffer {
  const bytes = new Uint8Array(whole.slice(0));
  // Half of the time in the first bytes: lengths and headers.
  const at = chance.below(chance.next() < 0.5 ? Math.min(48, bytes.length) : bytes.length);
  const kind = chance.below(4);
  if (kind === 0) {
    bytes[at] = (bytes[at] as number) ^ (1 << chance.below(8));
    return bytes.buffer;
  }
  if (kind === 1) return bytes.buffer.slice(0, at);
  const more = Uint8Array.from({ length: 1 + chance.below(8) }, () => chance.below(256));
  if (kind === 2) {
    bytes.set(more.subarray(0, bytes.length - at), at);
    return bytes.buffer;
  }
  const longer = new Uint8Array(bytes.length + more.length);
  longer.set(bytes.subarray(0, at));
  longer.set(more, at);
  longer.set(bytes.subarray(at), at + more.length);
  return longer.buffer;
}

const fullManifest = {
  ...smallManifest(),
  concepts: [0, 1].map((id) => ({
    ...{ id, name: `one ${id}`, size: 3, top_class: id, top_share: 0.5, born: 0, confidence: 1 },
    ...{ group: null, joined: null, left: null },
  })),
  viewport: { x0: 0, y0: 0, x1: 1, y1: 1 },
  provenance: smallProvenance({
    settings: { neighbors: 15, odd: { a: [1] } },
    notes: ['x'],
    layer_info: {
      class_atlas: {
        ...{ layer: 'layer3', classes: [0, 1], names: ['cat', 'dog'], rule: 'winner' },
        axis: { left: 1, right: 0, reach: 0.2, trustworthiness: 0.8 },
      },
    },
  }),
};
const fullTensors = {
  ...smallTensors(),
  predictions: tensor('I32', new Int32Array([0, 1, 1, 2, -1, 1])),
  positions: tensor('I32', new Int32Array(12), 6, 2),
  concepts: tensor('I32', new Int32Array([0, 0, 1, 1, -1, 0])),
  overlap: tensor('F32', new Float32Array(6).fill(0.5)),
  noise_floor: tensor('F32', new Float32Array(6).fill(0.1)),
  'grid2.attribution': tensor('F16', new Uint16Array([1, 2, 3, 4, 5, 6]), 2, 3),
  'grid2.spread_codes': tensor('U8', new Uint8Array(6), 2, 3),
  'grid2.spread_scale': tensor('F32', new Float32Array(2)),
};
const whole = pack(fullManifest, safetensors(fullTensors));
const activations = {
  values: tensor('F16', new Uint16Array(12).fill(0x3c00), 6, 2),
};
const sound = readAtlas('s1', 7, whole);
const level = sound.levels[0] as Level;

/** The header of the tensors with another value somewhere, in front of the same bytes. */
function lyingTensors(chance: Chance): ArrayBuffer {
  const file = safetensors(fullTensors);
  const length = new DataView(file).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, length)));
  return rawSafetensors(JSON.stringify(broken(header, chance)), new Uint8Array(file, 8 + length));
}

/** Everything that panels read of an atlas. */
function use(atlas: Atlas): void {
  classAtlasOf(atlas);
  differences(atlas, sound);
  for (const one of atlas.levels) {
    tallyIcons(one);
    for (const mode of ['class', 'purity', 'accuracy', 'entropy', 'cosine', 'population'] as const)
      coloring(atlas, one, mode);
    listClasses(atlas);
    cellsAsCsv('run', atlas, one);
    findResults(atlas, one, 'c');
    findResults(atlas, one, '1');
    for (const kind of ['top', 'toward'] as const)
      applyFilter(atlas, one, { kind, classes: [0, 99_999], sign: 'both' });
    if (atlas.labels) majority(one, atlas.labels);
    findDrift(atlas, atlas, one);
    findFalls(atlas, sound, one);
    const attribution = findAttribution(atlas, one);
    for (let cell = 0; cell < one.rows.length; cell++) {
      const [row, col] = [one.rows[cell] as number, one.cols[cell] as number];
      expect(cellAt(one, row, col)).toBeGreaterThanOrEqual(0);
      formatCell(atlas, { size: one.size, row, col });
      nextCell(one, row, col, 1, 0);
      nearestOnMap(atlas.xy, membersOf(one, cell), 3);
      conceptsIn(atlas, one, cell);
      findLinkedCells({ atlas, level: one, cell }, sound, level);
      if (typeof attribution !== 'string') strongestClasses(attribution, cell, 5);
    }
    frameOf(atlas, one.size, 0);
  }
}

const probe = splitPack(probeBytes());
const probeJson = probe.manifest;
const event = {
  ...{ step: 10, kind: 'splits', text: 'x', score: 2, confidence: 0.5, before_step: 0 },
  ...{ before: [3], after: [3, 7], cell: { grid: 10, row: 1, col: 9 } },
};
const history = historyJson([{ step: 0 }, { step: 10 }], {
  events: [event],
  events_found: 1,
  skipped: [{ step: 3, reason: 'busy' }],
});
const series = [
  { id: 's1', layer: 'a', steps: [0, 1] },
  { id: 's2', layer: 'a · cat / dog', steps: [0] },
];
const index = indexJson({ id: 'r1', run: 'exp/atlas', series });
const picture = new Uint8Array(64);
picture.set(new TextEncoder().encode('RIFF....WEBPVP8X'));

const READERS: Readonly<Record<string, (chance: Chance) => unknown>> = {
  'torn atlas': (chance) => use(readAtlas('s1', 7, torn(whole, chance))),
  'lying atlas': (chance) =>
    use(readAtlas('s1', 7, pack(broken(fullManifest, chance), safetensors(fullTensors)))),
  'lying arrays': (chance) => use(readAtlas('s1', 7, pack(fullManifest, lyingTensors(chance)))),
  activations: (chance) => {
    const tensors = readSafetensors(torn(safetensors(activations), chance));
    expect(tensors).toBeInstanceOf(Tensors);
    const read = readActivations(sound, tensors);
    findTurns(read, read, level);
  },
  probe: (chance) => {
    const manifest = readProbeManifest(broken(probeJson, chance));
    const placeOf = new Map(Array.from(sound.imageIds, (id, place) => [id, place]));
    for (let row = 0; row < sound.count; row++) {
      cropOfSample(sound, { run: 'r', manifest, placeOf } as Probe, row);
    }
  },
  'torn probe': (chance) => {
    const { manifest, buffer, blobStart } = splitPack(torn(probeBytes(), chance));
    readSafetensors(buffer, blobStart).int32('image_ids', readProbeManifest(manifest).images);
  },
  index: (chance) => {
    const runs = readIndex(broken(index, chance));
    const run = findRun(runs, 'exp/atlas');
    if (run) findSeries(run, null);
    for (const one of runs) groupSeries(one, null);
  },
  history: (chance) => readHistory(broken(history, chance)),
  shortcuts: (chance) => readSearch(broken(searchJson(), chance), 7),
  pictures: (chance) => webpSize(new Uint8Array(torn(picture.buffer, chance))),
};

describe('responses that no server of ours sends', () => {
  const names = Object.keys(READERS);
  it.each(names)(
    '%s',
    (name) => {
      const chance = new Chance(names.indexOf(name) + 1);
      const read = READERS[name] as (chance: Chance) => unknown;
      let refused = 0;
      const count = Math.ceil(COUNT / names.length);
      for (let i = 0; i < count; i++) {
        try {
          read(chance);
        } catch (error) {
          // What `decode` in `api.ts` takes for damage, as it does JSON that is none, and nothing else.
          if (!(error instanceof WireError)) throw error;
          refused++;
          expect(error.message.length).toBeGreaterThan(5);
        }
      }
      process.stdout.write(`${name}: ${refused} of ${count} refused\n`);
      expect(refused).toBeGreaterThan(count / 20);
    },
    60_000,
  );
});

describe('what anybody may have written', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('into the store of the browser', () => {
    const chance = new Chance(77);
    const one = { name: 'a', layer: 'b', step: 1, probe: 'c', of: 6, mark: 0, rows: [1, 2] };
    let text = '';
    vi.stubGlobal('localStorage', { getItem: () => text });
    let kept = 0;
    for (let i = 0; i < COUNT / 4; i++) {
      text = JSON.stringify(broken({ version: 1, selections: [one, one] }, chance));
      if (chance.next() < 0.2) text = text.slice(0, chance.below(text.length));
      kept += readSavedSelections().length;
    }
    expect(kept).toBeGreaterThan(0);
  });

  it('into the address', () => {
    const chance = new Chance(78);
    const keys = 'run layer step grid x y z compare filter sign shortcut pins lit __proto__'.split(
      ' ',
    );
    for (let i = 0; i < COUNT / 4; i++) {
      const values = Object.fromEntries(
        keys.map((key) => [key, String(chance.of(ODD)).slice(0, 900)]),
      );
      const link = readLink(values);
      expect(Number.isFinite(link.camera.x + link.camera.y + link.camera.z)).toBe(true);
      readPins(values.pins ?? '');
      const soundOnes = Object.entries(values).filter(([, text]) => !/\p{Cs}/u.test(text));
      readHash(writeHash('#atlas', Object.fromEntries(soundOnes)));
    }
  });
});

describe('caps', () => {
  it('bound a list of classes that only their numbers make long', () => {
    const labels = tensor('I32', new Int32Array([2 ** 31 - 1, 0, 1, 2, 2, 1]));
    const manifest = { ...smallManifest(), classes: null };
    const tensors = safetensors({ ...smallTensors(), labels });
    const started = performance.now();
    expect(listClasses(readAtlas('s1', 7, pack(manifest, tensors)))).toHaveLength(100_000);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('bound what attribution of no cell claims', () => {
    const empty = (dtype: string, ...shape: number[]) => ({
      dtype,
      shape,
      bytes: new Uint8Array(),
    });
    const grids = [{ size: 2, cells: 0, tile: null, columns: null }];
    const tensors = safetensors({
      ...smallTensors(),
      'grid2.rows': empty('I32', 0),
      'grid2.cols': empty('I32', 0),
      'grid2.counts': empty('I32', 0),
      'grid2.cell_of': tensor('I32', new Int32Array(6).fill(-1)),
      'grid2.kind': empty('U8', 0),
      'grid2.cosine': empty('F32', 0),
      'grid2.attribution': empty('F16', 0, 2 ** 40),
    });
    const manifest = { ...smallManifest(), classes: null, grids };
    expect(listClasses(readAtlas('s1', 7, pack(manifest, tensors))).length).toBe(100_000);
  });
});
