// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { measureCohesion } from '../../src/domain/comparison/sample_set_motion';
import {
  cellBlock,
  rectangle,
  rowsInside,
  type Selection,
  sampleMark,
  selectionOf,
  whyNotIn,
} from '../../src/domain/selection';
import { samplesAsCsv, samplesAsJson } from '../../src/features/selection/selection_export';
import { readHighlight, writeHighlight } from '../../src/state/highlight_url';
import { keepPin, MOST_PINS, type Pin, readPins, writePins } from '../../src/state/pins';
import {
  freeName,
  MOST_SAVED,
  readSavedSelections,
  writeSavedSelections,
} from '../../src/state/saved_selections';
import type { Session } from '../../src/state/session';
import { spread } from '../../src/state/step_values_loader';
import { Store } from '../../src/state/store';
import { smallAtlas, smallProvenance, tensor } from '../helpers/wire_builder';

/** Samples at (.1, .1), (.2, .2), (.3, .3), (.8, .8), (.9, .9) and (.9, .1). */
const atlas = smallAtlas();

describe('rowsInside', () => {
  it('selects what a rectangle encloses, whichever corners it is drawn between', () => {
    const [a, b] = [
      { x: 0.05, y: 0.35 },
      { x: 0.25, y: 0.05 },
    ];
    expect([...rowsInside(atlas, rectangle(a, b))]).toEqual([0, 1]);
    expect([...rowsInside(atlas, rectangle(b, a))]).toEqual([0, 1]);
  });

  it('leaves out the notch of a lasso, and what it encloses twice', () => {
    // A "U" around (.1, .1) and (.9, .1), whose notch holds (.3, .3) and (.2, .2).
    const notch = [
      ...[0, 0, 1, 0, 1, 0.5, 0.5, 0.5, 0.5, 0.15, 0.15, 0.15, 0.15, 0.5, 0, 0.5],
    ].reduce<{ x: number; y: number }[]>((all, value, i, flat) => {
      if (i % 2 === 0) all.push({ x: value, y: flat[i + 1] as number });
      return all;
    }, []);
    expect([...rowsInside(atlas, notch)]).toEqual([0, 5]);
    const ring = rectangle({ x: 0.05, y: 0.05 }, { x: 0.15, y: 0.15 });
    expect([...rowsInside(atlas, [...ring, ...ring])]).toEqual([]);
  });

  it('treats cells as half open, but the edges of the map as closed', () => {
    const xy = tensor(
      'F32',
      new Float32Array([0.5, 0.5, 1, 1, 0, 0, 0.5, 0.2, 0.2, 0.5, 1, 0.3]),
      6,
      2,
    );
    const rimmed = smallAtlas({}, { xy });
    const block = (row: number, col: number) => {
      const cell = { row, col };
      return [...rowsInside(rimmed, cellBlock(2, cell, cell))];
    };
    expect([block(0, 0), block(0, 1), block(1, 0), block(1, 1)]).toEqual([
      [2],
      [3, 5],
      [4],
      [0, 1],
    ]);
    const [first, last] = [
      { row: 0, col: 0 },
      { row: 1, col: 1 },
    ];
    expect(rowsInside(rimmed, cellBlock(2, last, first))).toHaveLength(6);
  });

  it('finds nothing in a line or a point', () => {
    expect(rowsInside(atlas, [{ x: 0.1, y: 0.1 }])).toHaveLength(0);
    expect(
      rowsInside(atlas, [
        { x: 0, y: 0 },
        { x: 0.9, y: 0.9 },
      ]),
    ).toHaveLength(0);
  });
});

describe('whether an atlas holds a selection', () => {
  const selection = selectionOf(atlas, Int32Array.of(1, 2));

  it('does so at every step of the same samples', () => {
    expect(whyNotIn(smallAtlas({ step: 7 }), selection)).toBeNull();
    expect(whyNotIn({ ...atlas, step: 99 }, selection)).toBeNull();
  });

  it('does not where image, place in it, probe or layer is another', () => {
    const images = { image_ids: tensor('I32', new Int32Array([10, 11, 12, 13, 14, 16])) };
    const boxes = { boxes: tensor('I32', new Int32Array(24).fill(5), 6, 4) };
    const other = 'Its samples are not those of this atlas.';
    expect(sampleMark(smallAtlas({}, images))).not.toBe(sampleMark(atlas));
    expect(whyNotIn(smallAtlas({}, images), selection)).toBe(other);
    expect(whyNotIn(smallAtlas({}, boxes), selection)).toBe(other);
    const layer = smallAtlas({ layer: 'layer4' });
    expect(whyNotIn(layer, selection)).toBe('It belongs to layer layer3.');
    const provenance = smallProvenance({ probe: 'bb' });
    expect(whyNotIn(smallAtlas({ provenance }), selection)).toBe(other);
  });
});

describe('gather', () => {
  const rows = Int32Array.of(0, 1, 2);
  const at = (xy: number[], step: number, floor: number) => ({
    ...smallAtlas({}, { xy: tensor('F32', new Float32Array(xy), 6, 2) }),
    ...{ step, key: `s1/${step}`, noiseFloor: new Float32Array(6).fill(floor) },
  });
  const then = at([0.1, 0.1, 0.2, 0.1, 0.3, 0.1, 0.8, 0.8, 0.9, 0.9, 0.9, 0.1], 10, 0.01);

  it('is whole and unmoved where the samples were chosen', () => {
    expect(measureCohesion(then, then, rows)).toEqual({ together: 1, moved: 0, beyond: null });
  });

  it('stays together as it moves as one, farther than the noise floor', () => {
    const now = at([0.1, 0.5, 0.2, 0.5, 0.3, 0.5, 0.8, 0.8, 0.9, 0.9, 0.9, 0.1], 20, 0.3);
    const found = measureCohesion(then, now, rows);
    expect(found).toMatchObject({ together: 1, beyond: 1 });
    expect(found).toHaveProperty('moved', expect.closeTo(0.4));
  });

  it('measures one that strays, and uses the floor of the later step', () => {
    const strayed = at([0.1, 0.1, 0.2, 0.1, 0.9, 0.1, 0.8, 0.8, 0.9, 0.9, 0.9, 0.1], 20, 0.3);
    const found = measureCohesion(then, strayed, rows);
    expect(found).toHaveProperty('together', expect.closeTo(2 / 3));
    expect(found).toHaveProperty('moved', expect.closeTo(0.2));
    expect(found).toHaveProperty('beyond', expect.closeTo(1 / 3));
    expect(measureCohesion(strayed, then, rows)).toHaveProperty('beyond', expect.closeTo(1 / 3));
    const calm = { ...strayed, noiseFloor: null };
    expect(measureCohesion(then, calm, rows)).toHaveProperty('beyond', null);
  });

  it('says why where the samples are others', () => {
    const few = { ...smallAtlas(), count: 5, key: 's1/9' };
    expect(measureCohesion(then, few, rows)).toBe('One atlas has 6 samples and the other 5.');
  });
});

describe('what is saved', () => {
  const one: Selection = { ...selectionOf(atlas, Int32Array.of(1, 4)), name: 'cats' };
  const put = (selections: unknown, version: unknown = 1) =>
    localStorage.setItem('atlas.selections', JSON.stringify({ version, selections }));
  const raw = { ...one, rows: [1, 4] };
  beforeEach(() => {
    vi.unstubAllGlobals();
    localStorage.clear();
  });

  it('comes back as it was', () => {
    expect(writeSavedSelections([one])).toBeNull();
    expect(readSavedSelections()).toEqual([one]);
  });

  it('is nothing where there is nonsense, and never an error', () => {
    for (const text of ['', '{', 'null', '[]', '{"version":2}', '{"version":1}', '7']) {
      localStorage.setItem('atlas.selections', text);
      expect(readSavedSelections()).toEqual([]);
    }
    put([raw], 9);
    expect(readSavedSelections()).toEqual([]);
    put(Array.from({ length: MOST_SAVED + 1 }, () => raw));
    expect(readSavedSelections()).toEqual([]);
    localStorage.setItem('atlas.selections', ' '.repeat(2_000_001));
    expect(readSavedSelections()).toEqual([]);
  });

  it('loses the broken ones alone', () => {
    put([
      ...[
        { ...raw, rows: [4, 1] },
        { ...raw, rows: [1, 1] },
        { ...raw, rows: [6] },
      ],
      ...[
        { ...raw, rows: [-1] },
        { ...raw, rows: [] },
        { ...raw, rows: ['1'] },
      ],
      ...[
        { ...raw, rows: [1, 2, 3, 4, 5, 5, 5] },
        { ...raw, of: 1e9 },
        { ...raw, mark: -1 },
      ],
      ...[{ ...raw, name: 7 }, { ...raw, layer: null }, null, 'x', { __proto__: raw }],
      { ...raw, name: `\u202e${'<b>'.repeat(1000)}\n` },
    ]);
    const selectionList = readSavedSelections();
    expect(selectionList).toHaveLength(1);
    expect(selectionList[0]?.name).toMatch(/^<b><b>.{1,60}…$/);
    expect(selectionList[0]?.name).not.toContain('\u202e');
  });

  it('is refused with a reason where there is no room', () => {
    const many = Array.from({ length: MOST_SAVED + 1 }, () => one);
    expect(writeSavedSelections(many)).toBe('At most 50 selections can be saved.');
    const rows = Int32Array.from({ length: 400_000 }, (_, row) => row);
    expect(writeSavedSelections([{ ...one, of: 400_000, rows }])).toContain('too large');
    vi.stubGlobal('localStorage', {
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError');
      },
      getItem: () => {
        throw new DOMException('denied', 'SecurityError');
      },
    });
    expect(writeSavedSelections([one])).toContain('stores nothing for this page');
    expect(readSavedSelections()).toEqual([]);
  });

  it('has names that differ', () => {
    expect(freeName('  ', [])).toBe('Selection');
    expect(freeName('cats', [one])).toBe('cats (2)');
    expect(freeName('cats', [one, { ...one, name: 'cats (2)' }])).toBe('cats (3)');
    expect(freeName('a\nb', [])).toBe('a b');
  });
});

describe('files', () => {
  it('hold every sample with where it comes from', () => {
    const named = { ...atlas, classes: ['=cmd()', '"b"', 'ship'] };
    const [head, first, ...rest] = samplesAsCsv('exp', named, Int32Array.of(0, 2)).split('\r\n');
    expect(head).toBe(
      '"run","layer","step","sample","image","x","y","y0","x0","y1","x1","label","label_index","prediction","prediction_index"',
    );
    expect(first).toMatch(/^"exp","layer3",7,0,10,0\.1\d*,0\.1\d*,4,4,4,4,"'=cmd\(\)",0,,$/);
    expect(rest[0]).toContain('"""b""",1');
    expect(rest).toHaveLength(2);
  });

  it('are JSON that scripts can parse', () => {
    const file = JSON.parse(samplesAsJson('exp', 'cats', atlas, Int32Array.of(4)));
    expect(file).toMatchObject({ name: 'cats', run: 'exp', layer: 'layer3', step: 7, probe: 'aa' });
    expect(file.samples).toEqual([
      expect.objectContaining({
        sample: 4,
        image: 14,
        label: 'ship',
        label_index: 2,
        prediction: null,
      }),
    ]);
  });
});

describe('pins', () => {
  const pin: Pin = { size: 10, row: 4, col: 9, step: -5, series: 's0123456789abcdef' };

  it('lead back to where they are', () => {
    const other = { ...pin, step: 3200 };
    expect(readPins(writePins([pin, other]))).toEqual([pin, other]);
    expect(writePins([pin])).toBe('10.4.9.-5.s0123456789abcdef');
  });

  it('are none where the text is untrusted', () => {
    const good = writePins([pin]);
    const bad = [
      ...['', ',,', '10.4.9.5', '0.0.0.1.s1', '10.10.0.1.s1', '10.0.10.1.s1', '999.1.1.1.s1'],
      ...['10.1.1.99999999999999999.s1', '10.1.1.9999999999999999.s1', '1e1.1.1.1.s1'],
      ...['10.1.1.1.sXYZ', '10.1.1.1.s1/../x', '10.1.1.1.<img src=x>', '__proto__', '10.-1.1.1.s1'],
    ];
    for (const text of bad) expect(readPins(text), text).toEqual([]);
    expect(readPins([...bad, good].join())).toEqual([pin]);
    expect(readPins(`${good},${good}`)).toEqual([pin]);
    const many = Array.from({ length: 40 }, (_, step) => writePins([{ ...pin, step }])).join();
    expect(readPins(many)).toHaveLength(MOST_PINS);
    expect(readPins('x'.repeat(1e6))).toEqual([]);
  });

  it('fit into an address, whatever their steps', () => {
    const longest = { ...pin, size: 320, row: 319, col: 319, step: -Number.MAX_SAFE_INTEGER };
    const most = Array.from({ length: MOST_PINS }, () => longest);
    expect(writePins(most).length).toBeLessThanOrEqual(1000);
  });

  it('are added, and removed by a second call', () => {
    const store = new Store();
    store.set({ atlas: { ...atlas, series: 's1' } });
    const session = { store } as unknown as Session;
    keepPin(session, null);
    expect(store.state.pins).toBe('');
    const place = { size: 2, row: 1, col: 0 };
    keepPin(session, place);
    expect(store.state).toMatchObject({ pins: '2.1.0.7.s1', selectionList: 'shown' });
    expect(store.state.said).toBe('row 2, column 1 added, 1 of 16 pins');
    keepPin(session, place);
    expect(store.state.pins).toBe('');
    const full = Array.from({ length: MOST_PINS }, (_, step) => ({ ...pin, step }));
    store.set({ pins: writePins(full) });
    keepPin(session, place);
    expect(readPins(store.state.pins)).toEqual(full);
    expect(store.state.said).toContain('16 pins at most');
  });
});

describe('the highlight in the URL', () => {
  it('is an image or a concept', () => {
    const image = readHighlight('image:17');
    expect(image).toEqual({ ids: [17], of: 'image', name: 'image 17', event: null });
    expect(writeHighlight(image)).toBe('image:17');
    expect(writeHighlight(readHighlight('concept:4'))).toBe('concept:4');
  });

  it('is nothing else', () => {
    for (const text of ['', 'image:', 'image:-1', 'image:1e3', 'sample:3', 'image:1234567890']) {
      expect(readHighlight(text), text).toBeNull();
    }
    expect(writeHighlight(null)).toBe('');
    expect(writeHighlight({ ids: [1, 2], name: '', event: null })).toBe('');
    expect(writeHighlight({ ids: [1], of: 'sample', name: '', event: null })).toBe('');
    expect(writeHighlight({ ids: [1], of: 'image', atlas: 's1/7', name: '', event: null })).toBe(
      '',
    );
  });
});

describe('spread', () => {
  it('keeps both ends and what is wanted', () => {
    const steps = Array.from({ length: 300 }, (_, i) => 10 * i);
    const some = spread(steps, 24, [130, 7]);
    expect(some.length).toBeLessThanOrEqual(24);
    expect(some.length).toBeGreaterThan(20);
    expect(some).toEqual([...some].sort((a, b) => a - b));
    expect(some).toEqual(expect.arrayContaining([0, 130, 2990]));
    expect(some).not.toContain(7);
    const others = spread(steps, 24, [130, 2990]).filter((step) => step !== 130);
    expect(some).toEqual(expect.arrayContaining(others));
    expect(spread([1, 2, 3], 24, [])).toEqual([1, 2, 3]);
  });
});
