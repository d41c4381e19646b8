// SPDX-License-Identifier: Apache-2.0
/** The list of concepts that the samples of a cell belong to. */

import { html, nothing, type TemplateResult } from 'lit';
import { classAtlasOf, NOT_FOLLOWED } from '../../domain/class_atlas';
import { conceptColor } from '../../domain/concept_colors';
import { type Concept, type ConceptShare, conceptsIn } from '../../domain/concepts';
import { highlightedConcept, toggleConcept } from '../../domain/highlight';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import type { CellContext } from '../../ui/cell_view';
import { count, percent, plural, shorten } from '../../util/format';
import type { Content } from '../feature';

const SHOWN = 4;
const NAME = 60;

/** A section of the inspector. */
export function conceptList({ atlas, level, facts, state, session }: CellContext): TemplateResult {
  const list = conceptsIn(atlas, level, facts.cell);
  return html`<section>
    <h3>Concepts <span class="muted">clusters tracked over steps</span></h3>
    ${
      list === null
        ? html`<p class="muted">${classAtlasOf(atlas) ? NOT_FOLLOWED : 'Not tracked in this atlas.'}</p>`
        : list.length === 0
          ? html`<p class="muted">None: these samples belong to no concept.</p>`
          : html`<ul class="concepts">
              ${list.slice(0, SHOWN).map((one) => item(one, state, session))}
            </ul>`
    }
    ${
      list !== null && list.length > SHOWN
        ? html`<p class="muted">and ${count(list.length - SHOWN)} more</p>`
        : nothing
    }
  </section>`;
}

function item(
  { concept, share, count: members }: ConceptShare,
  { highlight, dark }: State,
  session: Session,
): TemplateResult {
  const { id, name, size, born } = concept;
  const pressed = highlightedConcept(highlight) === id;
  const toggle = () => session.store.set({ highlight: toggleConcept(highlight, id, name) });
  return html`<li>
    <button type="button" class="concept" aria-pressed=${pressed} @click=${toggle}>
      <span class="name"><i style="background:${conceptColor(id, dark)}"></i>${shorten(name, NAME)}</span>
      <span class="number" title="${plural(members, 'sample')} of this cell">${percent(share)}</span>
      <span class="muted">${plural(size, 'sample')} · since step ${count(born)}</span>
      ${churn(concept)}
    </button>
  </li>`;
}

/** A line of the card of a cell: the concept of most of its samples. */
export function conceptLine({ atlas, level, facts, state }: CellContext): Content {
  const [first] = conceptsIn(atlas, level, facts.cell) ?? [];
  if (!first) return nothing;
  const { concept, share } = first;
  return html`<section>
    <h3>Concept</h3>
    <p class="concept">
      <span class="name"
        ><i style="background:${conceptColor(concept.id, state.dark)}"></i
        >${shorten(concept.name, NAME)}</span
      >
      <span class="number">${percent(share)}</span>
      ${churn(concept)}
    </p>
  </section>`;
}

/** Samples that changed their concept since the previous step, where that is known. */
function churn({ joined, left }: Concept): TemplateResult | typeof nothing {
  const parts = [
    joined == null ? '' : `${percent(joined)} joined`,
    left == null ? '' : `${percent(left)} left`,
  ].filter(Boolean);
  if (parts.length === 0) return nothing;
  return html`<span
    class="muted number"
    title="Shares of its samples that joined, and of its previous samples that left, without splits and merges."
    >${parts.join(', ')} since the previous step</span
  >`;
}
