// SPDX-License-Identifier: Apache-2.0
/** Matches the concepts of two atlases by their shared samples, by the same rules as `concept_diff.py`. */

import { PairCache } from '../../util/pair_cache';
import type { Atlas } from '../../wire/atlas';
import { type Concept, conceptsOf } from '../concepts';
import { sameSamples } from './sample_matching';

/** Smallest Jaccard index of shared concepts. */
const MIN_JACCARD = 0.2;

/** Two concepts with many common samples. */
export interface SharedConcept {
  readonly a: Concept;
  readonly b: Concept;
  /** Number of samples in both. */
  readonly both: number;
  /** `both` divided by the number in either, among the shared samples. */
  readonly jaccard: number;
}

export interface ConceptMatches {
  /** Best match first. */
  readonly shared: readonly SharedConcept[];
  /** Concepts without a match, largest first. */
  readonly onlyA: readonly Concept[];
  readonly onlyB: readonly Concept[];
  /** Share of the common samples that are in both concepts of a match. */
  readonly agreement: number;
}

const matches = new PairCache<Atlas, Atlas, { readonly found: ConceptMatches | null }>();

/** The matched concepts of two atlases of one probe; null if one of them has no concepts. */
export function matchConcepts(a: Atlas, b: Atlas): ConceptMatches | null {
  return matches.get(a, b, () => ({ found: match(a, b) })).found;
}

function match(a: Atlas, b: Atlas): ConceptMatches | null {
  const [ours, theirs] = [conceptsOf(a), conceptsOf(b)];
  if (!ours || !theirs || !a.concepts || !b.concepts) return null;
  const there = sameSamples(a, b);
  const [sizesA, sizesB] = [new Map<number, number>(), new Map<number, number>()];
  const counts = new Map<string, { one: number; other: number; both: number }>();
  let common = 0;
  there.forEach((other, row) => {
    if (other < 0) return;
    common++;
    const [idA, idB] = [a.concepts?.[row] ?? -1, b.concepts?.[other] ?? -1];
    if (idA >= 0) sizesA.set(idA, (sizesA.get(idA) ?? 0) + 1);
    if (idB >= 0) sizesB.set(idB, (sizesB.get(idB) ?? 0) + 1);
    if (idA < 0 || idB < 0) return;
    const pair = counts.get(`${idA},${idB}`) ?? { one: idA, other: idB, both: 0 };
    counts.set(`${idA},${idB}`, { ...pair, both: pair.both + 1 });
  });
  const known = (list: readonly Concept[], sizes: ReadonlyMap<number, number>) =>
    new Map(list.filter(({ id }) => sizes.has(id)).map((concept) => [concept.id, concept]));
  const [namesA, namesB] = [known(ours, sizesA), known(theirs, sizesB)];
  const candidates = [...counts.values()]
    .sort((x, y) => x.one - y.one || x.other - y.other)
    .flatMap(({ one, other, both }): SharedConcept[] => {
      const [conceptA, conceptB] = [namesA.get(one), namesB.get(other)];
      const either = (sizesA.get(one) ?? 0) + (sizesB.get(other) ?? 0) - both;
      const jaccard = both / either;
      return conceptA && conceptB ? [{ a: conceptA, b: conceptB, both, jaccard }] : [];
    })
    .sort((x, y) => y.jaccard - x.jaccard);
  const shared: SharedConcept[] = [];
  for (const pair of candidates) {
    if (pair.jaccard < MIN_JACCARD) break;
    if (!namesA.has(pair.a.id) || !namesB.has(pair.b.id)) continue;
    shared.push(pair);
    namesA.delete(pair.a.id);
    namesB.delete(pair.b.id);
  }
  const bySize = (rest: Map<number, Concept>) => [...rest.values()].sort((x, y) => y.size - x.size);
  return {
    shared,
    onlyA: bySize(namesA),
    onlyB: bySize(namesB),
    agreement: shared.reduce((sum, { both }) => sum + both, 0) / Math.max(common, 1),
  };
}
