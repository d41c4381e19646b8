// SPDX-License-Identifier: Apache-2.0
/** The list of concepts that the samples of a cell belong to. */

import { html, nothing, type TemplateResult } from 'lit';
import { classAtlasOf, NOT_FOLLOWED } from '../../domain/class_atlas';
import { type ConceptShare, conceptsIn } from '../../domain/concepts';
import type { Highlight } from '../../domain/view';
import type { Session } from '../../state/session';
import type { CellContext } from '../../ui/cell_view';
import { count, percent, plural, shorten } from '../../util/format';

const SHOWN = 4;
const NAME = 60;

/** A section of the inspector. */
export function conceptList({ atlas, level, facts, state, session }: CellContext): TemplateResult {
  const { highlight } = state;
  const list = conceptsIn(atlas, level, facts.cell);
  return html`<section>
    <h3>Concepts <span class="muted">clusters tracked over steps</span></h3>
    ${
      list === null
        ? html`<p class="muted">${classAtlasOf(atlas) ? NOT_FOLLOWED : 'Not tracked in this atlas.'}</p>`
        : list.length === 0
          ? html`<p class="muted">None: these samples belong to no concept.</p>`
          : html`<ul class="concepts">
              ${list.slice(0, SHOWN).map((one) => item(one, highlight, session))}
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
  highlight: Highlight | null,
  session: Session,
): TemplateResult {
  const { id, name, size, born } = concept;
  const pressed = highlight?.event === null && !highlight.of && highlight.ids[0] === id;
  const toggle = () =>
    session.store.set({ highlight: pressed ? null : { ids: [id], name, event: null } });
  return html`<li>
    <button type="button" class="concept" aria-pressed=${pressed} @click=${toggle}>
      <span class="name">${shorten(name, NAME)}</span>
      <span class="number" title="${plural(members, 'sample')} of this cell">${percent(share)}</span>
      <span class="muted">${plural(size, 'sample')} · since step ${count(born)}</span>
    </button>
  </li>`;
}
