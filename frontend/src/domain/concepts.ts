// SPDX-License-Identifier: Apache-2.0
/** Concepts: clusters of samples that keep their id from step to step. */

import type { Atlas, Level } from '../wire/atlas';
import type { ConceptEntry } from '../wire/generated/types';
import { membersOf } from './cell_stats';

export interface Concept {
  readonly id: number;
  readonly name: string;
  /** Samples that belong to it at this step. */
  readonly size: number;
  readonly topClass: number | null;
  readonly topShare: number;
  /** Step at which it was first seen. */
  readonly born: number;
  readonly confidence: number;
  /** Share of its samples that joined it since the step before, and of its earlier ones that left; null: unknown. */
  readonly joined: number | null;
  readonly left: number | null;
}

const listOf = new WeakMap<Atlas, readonly Concept[] | null>();

/** The concepts of an atlas by rising id; null where they were not traced. */
export function conceptsOf(atlas: Atlas): readonly Concept[] | null {
  let list = listOf.get(atlas);
  if (list === undefined) {
    list = atlas.concepts && (atlas.manifest.fields.concepts?.map(readConcept) ?? null);
    listOf.set(atlas, list);
  }
  return list;
}

function readConcept({ top_class: topClass, top_share: topShare, ...line }: ConceptEntry): Concept {
  return { ...line, topClass, topShare };
}

export interface ConceptShare {
  readonly concept: Concept;
  /** Members of the cell that belong to it. */
  readonly count: number;
  readonly share: number;
}

/** The concepts that the members of a cell belong to, largest share first. */
export function conceptsIn(atlas: Atlas, level: Level, cell: number): ConceptShare[] | null {
  const list = conceptsOf(atlas);
  const { concepts } = atlas;
  if (list === null || concepts === null) return null;
  const members = membersOf(level, cell);
  const counts = new Map<number, number>();
  for (const row of members) {
    const id = concepts[row] as number;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return list
    .filter(({ id }) => counts.has(id))
    .map((concept) => {
      const count = counts.get(concept.id) ?? 0;
      return { concept, count, share: count / members.length };
    })
    .sort((a, b) => b.count - a.count || a.concept.id - b.concept.id);
}
