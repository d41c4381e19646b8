// SPDX-License-Identifier: Apache-2.0
/** The list of concepts that A and B share, and of those that only one of them has. */

import { html, nothing, type TemplateResult } from 'lit';
import { isOtherSeries } from '../../domain/comparison/compared_series';
import { matchConcepts, type SharedConcept } from '../../domain/comparison/concept_matches';
import { sameSamples, shareProbe } from '../../domain/comparison/sample_matching';
import type { Concept } from '../../domain/concepts';
import { toggleConcept } from '../../domain/highlight';
import { rowsOf } from '../../domain/sample_rows';
import { nameReference, referenceOf } from '../../state/reference_step';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { count, percent, shorten } from '../../util/format';
import type { Atlas } from '../../wire/atlas';

const NAME = 26;

/** The matched concepts, if A is of another run or layer; within a run, concepts have persistent ids. */
export function conceptMatches(
  state: State,
  b: Atlas,
  session: Session,
): TemplateResult | typeof nothing {
  const a = referenceOf(state);
  if (a === null || !isOtherSeries(state) || !shareProbe(a, b)) return nothing;
  const found = matchConcepts(a, b);
  if (found === null) return nothing;
  const { shared, onlyA, onlyB, agreement } = found;
  const { store } = session;
  const link = (concept: Concept, highlight: () => State['highlight']) =>
    html`<button type="button" class="link" @click=${() => store.set({ highlight: highlight() })}>
        ${shorten(concept.name, NAME)}
      </button>
      <span class="muted">${count(concept.size)}</span>`;
  const ofA = (concept: Concept) => link(concept, () => samplesOf(a, b, concept));
  const ofB = (concept: Concept) =>
    link(concept, () => toggleConcept(store.state.highlight, concept.id, concept.name));
  return html`<aside class="legend panel drift-legend concept-matches" aria-label="Concepts of A and B">
    <p>
      <strong
        >${count(shared.length)} concepts in both, ${count(onlyA.length)} only in A,
        ${count(onlyB.length)} only in B</strong
      >
    </p>
    <p class="muted">
      A: ${nameReference(state)}. ${percent(agreement)} of the samples are in matched concepts.
    </p>
    <details class="changes">
      <summary>Concepts</summary>
      <table>
        <thead>
          <tr><th scope="col">A</th><th scope="col">B</th><th scope="col">In both</th></tr>
        </thead>
        <tbody>
          ${shared.map(
            (pair: SharedConcept) => html`<tr>
              <td>${ofA(pair.a)}</td>
              <td>${ofB(pair.b)}</td>
              <td class="number" title="Of the samples in either">${percent(pair.jaccard)}</td>
            </tr>`,
          )}
          ${onlyA.map((concept) => html`<tr><td>${ofA(concept)}</td><td>–</td><td></td></tr>`)}
          ${onlyB.map((concept) => html`<tr><td>–</td><td>${ofB(concept)}</td><td></td></tr>`)}
        </tbody>
      </table>
    </details>
  </aside>`;
}

/** The highlight of the samples of a concept of A, on the map of B. */
function samplesOf(a: Atlas, b: Atlas, { id, name }: Concept): State['highlight'] {
  const there = sameSamples(a, b);
  const ids = [...rowsOf(a.concepts, [id])]
    .map((row) => there[row] ?? -1)
    .filter((row) => row >= 0);
  return { ids, name: `${name} of A`, event: null, of: 'sample', probe: b.manifest.probeDigest };
}
