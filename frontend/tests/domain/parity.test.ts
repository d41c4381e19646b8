// SPDX-License-Identifier: Apache-2.0
/** Rules that Python and the tab share, held to what `tests/unit/analysis/write_parity.py` wrote. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { classMix, membersOf } from '../../src/domain/cell_stats';
import { movesOf } from '../../src/domain/comparison/atlas_pairs';
import { type ConceptMatches, matchConcepts } from '../../src/domain/comparison/concept_matches';
import { findDifference } from '../../src/domain/comparison/difference';
import { findDrift } from '../../src/domain/comparison/drift';
import { findMerges, linksBetween } from '../../src/domain/comparison/layer_links';
import { sameSamples } from '../../src/domain/comparison/sample_matching';
import type { Concept } from '../../src/domain/concepts';
import { coloring } from '../../src/domain/map_colors';
import { evidenceOf } from '../../src/domain/shortcut_evidence';
import { readActivations } from '../../src/wire/activations';
import { type Atlas, type Level, readAtlas } from '../../src/wire/atlas';
import { readSafetensors } from '../../src/wire/safetensors';
import { pack } from '../helpers/wire_builder';

const FOLDER = new URL('../../../tests/golden/parity/', import.meta.url);
const DIGITS = 4;
const CHECKSUM_LINE = 9;

type Json = ReturnType<typeof JSON.parse>;

function readJson(name: string): Json {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'));
}

const stored: Record<string, string[]> = readJson('atlases');

function blobOf(name: string, index: number): ArrayBuffer {
  return Uint8Array.from(Buffer.from(stored[name]?.[index] ?? '', 'base64')).buffer;
}

/** An atlas as the plugin sends it. */
function atlasOf(name: string): Atlas {
  const text = new TextDecoder().decode(blobOf(name, 0).slice(CHECKSUM_LINE));
  const manifest = JSON.parse(text);
  return readAtlas(name, manifest.step, pack(manifest, blobOf(name, 1)));
}

const levelOf = (atlas: Atlas) => atlas.levels[0] as Level;
const floorOf = (atlas: Atlas) => ({ atlas, level: levelOf(atlas) });

/** Each case of a rule with its atlases. */
function casesOf(rule: string): [string, Json, Atlas, Atlas][] {
  return readJson(rule).map((one: Json) => {
    const [a, b = a] = one.atlases;
    return [one.atlases.join(' and '), one, atlasOf(a), atlasOf(b)];
  });
}

function expectClose(found: ArrayLike<number>, wanted: readonly number[]): void {
  expect(found.length).toBe(wanted.length);
  for (const [i, value] of wanted.entries()) expect(found[i]).toBeCloseTo(value, DIGITS);
}

describe('sample matching', () => {
  it.each(casesOf('sample_matching'))('of %s', (_, { rows }, a, b) => {
    expect([...sameSamples(a, b)]).toEqual(rows);
  });
});

describe('layer links', () => {
  it.each(casesOf('layer_links'))('of %s', (name, { samples, links, merges }, a, b) => {
    const found = linksBetween(floorOf(a), floorOf(b));
    expect(found.samples).toBe(samples);
    expect(found.links.map(({ lower, upper, shared }) => ({ lower, upper, shared }))).toEqual(
      links.map(({ lower, upper, shared }: Json) => ({ lower, upper, shared })),
    );
    for (const key of ['feeds', 'fed'] as const) {
      expectClose(
        found.links.map((one) => one[key]),
        links.map((one: Json) => one[key]),
      );
    }
    const activations = readActivations(a, readSafetensors(blobOf(name.split(' ')[0] ?? '', 2)));
    const merged = findMerges(floorOf(a), floorOf(b), activations);
    expect(merged.map(({ cell, label }) => [cell, label])).toEqual(
      merges.map(({ cell, label }: Json) => [cell, label]),
    );
    merged.forEach((one, i) => {
      expect(one.parts.map(({ cell }) => cell)).toEqual(merges[i].parts);
      expectClose(
        one.parts.map(({ share }) => share),
        merges[i].shares,
      );
      const { purity, part_purity: part, score } = merges[i];
      expectClose([one.purity, one.partPurity, one.score], [purity, part, score]);
    });
  });
});

describe('drift', () => {
  it.each(casesOf('drift'))('of %s', (_, { displacement, mean, beyond }, a, b) => {
    expectClose(movesOf(a.xy, b.xy), displacement);
    const found = findDrift(a, b, levelOf(b));
    expectClose([found.mean, found.beyondShare ?? Number.NaN], [mean, beyond]);
  });
});

describe('difference', () => {
  it.each(casesOf('difference'))('of %s', (_, { gain }, a, b) => {
    const found = findDifference(a, levelOf(a), b, levelOf(b));
    for (const change of found.changes) expect(change.gain).toBe(gain[change.row][change.col]);
    expect(found.changes.reduce((sum, one) => sum + Math.abs(one.gain), 0)).toBe(
      gain.flat().reduce((sum: number, one: number) => sum + Math.abs(one), 0),
    );
  });
});

describe('concept matching', () => {
  it.each(casesOf('concept_matching'))('of %s', (_, wanted, a, b) => {
    const found = matchConcepts(a, b) as ConceptMatches;
    expect(found.shared.map((one) => [one.a.id, one.b.id, one.both])).toEqual(wanted.shared);
    expectClose(
      found.shared.map(({ jaccard }) => jaccard),
      wanted.jaccard,
    );
    const idsOf = (list: readonly Concept[]) => list.map(({ id }) => id).sort((x, y) => x - y);
    expect(idsOf(found.onlyA)).toEqual(wanted.only_a);
    expect(idsOf(found.onlyB)).toEqual(wanted.only_b);
    expectClose([found.agreement], [wanted.agreement]);
  });
});

describe('cell labels', () => {
  it.each(casesOf('cell_labels'))('of %s', (_, { cells }, atlas) => {
    const level = levelOf(atlas);
    const labels = atlas.labels as Int32Array;
    cells.forEach(({ mix }: Json, cell: number) => {
      const found = classMix(labels, membersOf(level, cell));
      expect(found.map(({ index, count }) => [index, count])).toEqual(mix);
    });
    for (const mode of ['purity', 'entropy', 'accuracy'] as const) {
      const { reading } = coloring(atlas, level, mode);
      expectClose(
        reading?.values ?? [],
        cells.map((one: Json) => one[mode]),
      );
    }
  });
});

describe('what a significant patch shows', () => {
  it.each(readJson('shortcut_evidence')[0].patches as Json[])(
    'of %o',
    ({ significant, area, flip, low, evidence }) => {
      const tested = { significant, area, rates: { flip }, interval: [low, 1] as const };
      expect(evidenceOf(tested)).toBe(evidence);
    },
  );
});
