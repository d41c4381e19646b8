// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { nothing, render } from 'lit';
import { beforeEach, describe, expect, it } from 'vitest';
import { matchConcepts } from '../../../src/domain/comparison/concept_matches';
import { highlightedRows } from '../../../src/domain/highlight';
import { conceptMatches } from '../../../src/features/compare/concept_match_list';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import type { Atlas } from '../../../src/wire/atlas';
import { drawAtlas } from '../../helpers/concept_fixtures';
import { series } from '../../helpers/two_step_fixtures';

const UNTRUSTED = '<img src=x onerror=alert(1)>\u202e';

/** Ids of A are 0, 1, ..., ids of B are others: only samples show which are the same. */
const nameOfA = (letter: string) => (letter === 'a' ? UNTRUSTED : `${letter} of run 1`);
const PICTURE_A = ['aaab', 'aabb', 'ccbb', 'ccdd'];
const PICTURE_B = ['bbba', 'bbaa', 'ddaa', 'dcda'];
const A: Atlas = { ...drawAtlas(PICTURE_A, nameOfA).atlas, step: 10, series: 's9' };
const B: Atlas = { ...drawAtlas(PICTURE_B, (letter) => `${letter} of run 2`).atlas, step: 40 };

const other = { ...series, id: 's9' };
const runs = [
  { id: 'r1', run: 'one/atlas', probe: true, series: [series] },
  { id: 'r2', run: 'two/atlas', probe: true, series: [other] },
];

let store: Store;
let session: Session;
let root: HTMLElement;
beforeEach(() => {
  store = new Store();
  store.set({ runs, run: runs[0] ?? null, series, step: 40, atlas: B, other: A });
  store.set({ compare: 10, compareIn: 'layer3,two%2Fatlas' });
  session = { store } as unknown as Session;
  root = document.createElement('div');
  document.body.replaceChildren(root);
});

const show = (b: Atlas = B) => render(conceptMatches(store.state, b, session), root);
const textOf = (element: Element | null) =>
  (element?.textContent ?? '').replace(/\s+/g, ' ').trim();
const rows = () => [...root.querySelectorAll('tbody tr')].map(textOf);
const buttons = () => [...root.querySelectorAll<HTMLElement>('tbody button')];

describe('concepts of two runs', () => {
  it('are matched one to one, the best first, and the others are listed', () => {
    const found = matchConcepts(A, B);
    expect(found?.shared.map(({ a, b, both }) => [a.name, b.name, both])).toEqual([
      [UNTRUSTED, 'b of run 2', 5],
      ['b of run 1', 'a of run 2', 5],
      ['c of run 1', 'd of run 2', 3],
    ]);
    expect(found?.agreement).toBeCloseTo(13 / 16);
    show();
    expect(textOf(root.querySelector('strong'))).toBe(
      '3 concepts in both, 1 only in A, 1 only in B',
    );
    expect(textOf(root)).toContain('A: two, step 10. 81% of the samples are in matched concepts.');
    expect(rows().map((row) => row.replace(/^<img.*?… /, 'X '))).toHaveLength(5);
    expect(rows()[1]).toContain('b of run 1');
    expect(rows()[1]).toContain('83%');
    expect(rows()[3]).toMatch(/^d of run 1 \d+ ?–/);
    expect(rows()[4]).toMatch(/^– ?c of run 2/);
    expect(root.querySelector('img')).toBeNull();
    expect(root.textContent).not.toContain('\u202e');
  });

  it('of B are highlighted by a click, and those of A by their samples', () => {
    show();
    buttons()[3]?.click();
    expect(store.state.highlight).toMatchObject({ name: 'a of run 2' });
    expect(highlightedRows(B, store.state.highlight as never)).toHaveLength(6);
    buttons()[2]?.click();
    const { highlight } = store.state;
    expect(highlight).toMatchObject({ name: 'b of run 1 of A', of: 'sample' });
    expect([...highlightedRows(B, highlight as never)]).toEqual([3, 6, 7, 10, 11]);
    expect([...highlightedRows({ ...B, key: 'x' }, highlight as never)]).toHaveLength(5);
  });

  it('are not listed within a run, where ids persist, or without samples in common', () => {
    const empty = () => {
      show();
      return root.childElementCount === 0;
    };
    store.set({ compareIn: '' });
    expect(empty()).toBe(true);
    store.set({ compareIn: 'layer3,two%2Fatlas', other: null });
    expect(empty()).toBe(true);
    store.set({ other: { ...A, concepts: null } });
    expect(empty()).toBe(true);
    store.set({ other: { ...A, manifest: { ...A.manifest, probeDigest: 'zz' } } });
    expect(conceptMatches(store.state, B, session)).toBe(nothing);
  });
});
