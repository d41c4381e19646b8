// SPDX-License-Identifier: Apache-2.0
/** The line over the map that names the highlighted samples and clears the highlight. */

import { html, type TemplateResult } from 'lit';
import { NOT_FOLLOWED } from '../../domain/class_atlas';
import { conceptsOf } from '../../domain/concepts';
import type { Highlight } from '../../domain/display_types';
import { highlightedClasses, highlightedIds, highlightedRows } from '../../domain/highlight';
import { countIn } from '../../domain/sample_rows';
import type { Session } from '../../state/session';
import { iconButton } from '../../ui/icons';
import { count, plural, shorten } from '../../util/format';
import { type Atlas, className, type Level } from '../../wire/atlas';

const NAME = 60;
const CLASS = 22;

/** "cats #1: 210 samples in 14 cells at step 800", where a highlight is on. */
export function highlightSentence(atlas: Atlas, level: Level, highlight: Highlight): string {
  if (!highlight.of && atlas.concepts === null) return 'Concepts were not tracked at this step.';
  const rows = highlightedRows(atlas, highlight);
  if (highlight.atlas !== undefined && highlight.atlas !== atlas.key) return NOT_FOLLOWED;
  if (rows.length === 0) return `No samples at step ${count(atlas.step)}.`;
  const cells = countIn(level, rows).reduce((sum, members) => sum + (members > 0 ? 1 : 0), 0);
  const where = `in ${plural(cells, 'cell')} at step ${count(atlas.step)}`;
  return `${plural(rows.length, 'sample')} ${where}`;
}

/** The concepts by their names at this step, where there are any; other highlights by their own. */
export function highlightTitle(atlas: Atlas, highlight: Highlight): string {
  const classes = highlightedClasses(highlight, atlas.step);
  if (classes) {
    const [label, prediction] = classes.map((one) => shorten(className(atlas, one), CLASS));
    return prediction === undefined ? `images of ${label}` : `${label} predicted as ${prediction}`;
  }
  const ids = highlight.of ? [] : highlightedIds(highlight, atlas.step);
  const own = (conceptsOf(atlas) ?? []).filter(({ id }) => ids.includes(id));
  return own.map(({ name }) => name).join(', ') || highlight.name;
}

export function highlightPill(
  atlas: Atlas,
  level: Level,
  highlight: Highlight,
  session: Session,
): TemplateResult {
  return html`<div class="highlight-pill panel" role="group" aria-label="Highlighted ${highlight.of ?? 'concept'}s">
    <span
      ><strong>${shorten(highlightTitle(atlas, highlight), NAME)}</strong>
      <span class="muted">${highlightSentence(atlas, level, highlight)}</span></span
    >
    ${iconButton({
      icon: 'events',
      name: 'Location at each step',
      press: () => session.store.set({ selectionList: 'entered', table: false }),
    })}
    ${iconButton({
      icon: 'close',
      name: 'End the highlight',
      press: () => session.store.set({ highlight: null }),
    })}
  </div>`;
}
