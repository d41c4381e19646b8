// SPDX-License-Identifier: Apache-2.0
/** Matches the concepts of two atlases by their shared samples, by the same rules as `concept_matches.py`. */

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
  const counts = countOverlaps(a.concepts, b.concepts, sameSamples(a, b));
  const known = (list: readonly Concept[], sizes: ReadonlyMap<number, number>) =>
    new Map(list.filter(({ id }) => sizes.has(id)).map((concept) => [concept.id, concept]));
  const [restA, restB] = [known(ours, counts.sizesA), known(theirs, counts.sizesB)];
  const shared = chooseBest(listCandidates(counts, restA, restB), restA, restB);
  const bySize = (rest: Map<number, Concept>) => [...rest.values()].sort((x, y) => y.size - x.size);
  return {
    shared,
    onlyA: bySize(restA),
    onlyB: bySize(restB),
    agreement: shared.reduce((sum, { both }) => sum + both, 0) / Math.max(counts.common, 1),
  };
}

interface Overlaps {
  /** Number of samples in both atlases. */
  readonly common: number;
  /** Number of common samples by id of the concept. */
  readonly sizesA: ReadonlyMap<number, number>;
  readonly sizesB: ReadonlyMap<number, number>;
  readonly pairs: readonly {
    readonly one: number;
    readonly other: number;
    readonly both: number;
  }[];
}

/** Counts the common samples of each concept and of each pair; `there` maps rows of A to those of B. */
function countOverlaps(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  there: ArrayLike<number>,
): Overlaps {
  const [sizesA, sizesB] = [new Map<number, number>(), new Map<number, number>()];
  const pairs = new Map<string, { one: number; other: number; both: number }>();
  const add = (sizes: Map<number, number>, id: number) => sizes.set(id, (sizes.get(id) ?? 0) + 1);
  let common = 0;
  for (let row = 0; row < there.length; row++) {
    const at = there[row] ?? -1;
    if (at < 0) continue;
    common++;
    const [one, other] = [a[row] ?? -1, b[at] ?? -1];
    if (one >= 0) add(sizesA, one);
    if (other >= 0) add(sizesB, other);
    if (one < 0 || other < 0) continue;
    const pair = pairs.get(`${one},${other}`) ?? { one, other, both: 0 };
    pairs.set(`${one},${other}`, { ...pair, both: pair.both + 1 });
  }
  return { common, sizesA, sizesB, pairs: [...pairs.values()] };
}

/** The pairs of known concepts, best match first; equal matches in the order of their ids. */
function listCandidates(
  { sizesA, sizesB, pairs }: Overlaps,
  knownA: ReadonlyMap<number, Concept>,
  knownB: ReadonlyMap<number, Concept>,
): readonly SharedConcept[] {
  return [...pairs]
    .sort((x, y) => x.one - y.one || x.other - y.other)
    .flatMap(({ one, other, both }): SharedConcept[] => {
      const [a, b] = [knownA.get(one), knownB.get(other)];
      const jaccard = both / ((sizesA.get(one) ?? 0) + (sizesB.get(other) ?? 0) - both);
      return a && b ? [{ a, b, both, jaccard }] : [];
    })
    .sort((x, y) => y.jaccard - x.jaccard);
}

/** Chooses matches greedily, and removes the matched concepts from the remaining ones. */
function chooseBest(
  candidates: readonly SharedConcept[],
  restA: Map<number, Concept>,
  restB: Map<number, Concept>,
): readonly SharedConcept[] {
  const chosen: SharedConcept[] = [];
  for (const pair of candidates) {
    if (pair.jaccard < MIN_JACCARD) break;
    if (!restA.has(pair.a.id) || !restB.has(pair.b.id)) continue;
    chosen.push(pair);
    restA.delete(pair.a.id);
    restB.delete(pair.b.id);
  }
  return chosen;
}
