// SPDX-License-Identifier: Apache-2.0
/** Which concepts the samples of a cell belong to, and the line that says which one stands out. */

import { html, nothing, type TemplateResult } from 'lit';
import { classAtlasOf, NOT_FOLLOWED } from '../../domain/class_atlas';
import { countIn, type LifelineShare, lifelinesIn, lifelinesOf } from '../../domain/concepts';
import { highlightedIds, highlightedRows } from '../../state/go_to_event';
import type { Session } from '../../state/session';
import type { Highlight } from '../../state/store';
import type { CellContext } from '../../ui/cell_view';
import { iconButton } from '../../ui/icons';
import { count, percent, plural, shorten } from '../../util/format';
import type { Atlas, Level } from '../../wire/atlas';

const SHOWN = 4;
const NAME = 60;

/** A section of the inspector. */
export function lifelineList({ atlas, level, facts, state, session }: CellContext): TemplateResult {
  const { highlight } = state;
  const list = lifelinesIn(atlas, level, facts.cell);
  return html`<section>
    <h3>Lifelines <span class="muted">concepts followed over steps</span></h3>
    ${
      list === null
        ? html`<p class="muted">${classAtlasOf(atlas) ? NOT_FOLLOWED : 'Not traced in this atlas.'}</p>`
        : list.length === 0
          ? html`<p class="muted">None: these samples belong to no concept that lasts.</p>`
          : html`<ul class="lifelines">
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
  { lifeline, share, count: members }: LifelineShare,
  highlight: Highlight | null,
  session: Session,
): TemplateResult {
  const { id, name, size, born } = lifeline;
  const pressed = highlight?.event === null && !highlight.of && highlight.ids[0] === id;
  const toggle = () =>
    session.store.set({ highlight: pressed ? null : { ids: [id], name, event: null } });
  return html`<li>
    <button type="button" class="lifeline" aria-pressed=${pressed} @click=${toggle}>
      <span class="name">${shorten(name, NAME)}</span>
      <span class="number" title="${plural(members, 'sample')} of this cell">${percent(share)}</span>
      <span class="muted">${plural(size, 'sample')} · since step ${count(born)}</span>
    </button>
  </li>`;
}

/** "cats #1: 210 samples in 14 cells at step 800", where a highlight is on. */
export function highlightSentence(atlas: Atlas, level: Level, highlight: Highlight): string {
  if (!highlight.of && atlas.lifelines === null) return 'Lifelines were not traced at this step.';
  const rows = highlightedRows(atlas, highlight);
  if (highlight.atlas !== undefined && highlight.atlas !== atlas.key) return NOT_FOLLOWED;
  if (rows.length === 0) return `Nothing of it at step ${count(atlas.step)}.`;
  const cells = countIn(level, rows).reduce((sum, members) => sum + (members > 0 ? 1 : 0), 0);
  const where = `in ${plural(cells, 'cell')} at step ${count(atlas.step)}`;
  return `${plural(rows.length, 'sample')} ${where}`;
}

/** The lifelines by their names at this step, where there are any; what else was lit by its own. */
export function highlightTitle(atlas: Atlas, highlight: Highlight): string {
  const ids = highlight.of ? [] : highlightedIds(highlight, atlas.step);
  const own = (lifelinesOf(atlas) ?? []).filter(({ id }) => ids.includes(id));
  return own.map(({ name }) => name).join(', ') || highlight.name;
}

export function highlightPill(
  atlas: Atlas,
  level: Level,
  highlight: Highlight,
  session: Session,
): TemplateResult {
  return html`<div class="highlight-pill panel" role="group" aria-label="Highlighted ${highlight.of ?? 'lifeline'}s">
    <span
      ><strong>${shorten(highlightTitle(atlas, highlight), NAME)}</strong>
      <span class="muted">${highlightSentence(atlas, level, highlight)}</span></span
    >
    ${iconButton({
      icon: 'events',
      name: 'Where it lies at each step',
      press: () => session.store.set({ kept: 'entered', table: false }),
    })}
    ${iconButton({
      icon: 'close',
      name: 'End the highlight',
      press: () => session.store.set({ highlight: null }),
    })}
  </div>`;
}
