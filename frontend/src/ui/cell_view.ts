// SPDX-License-Identifier: Apache-2.0
/** Views of one cell, shared by the hover card and the inspector. */

import { html, nothing, type TemplateResult } from 'lit';
import { type CellFacts, judge, type Share, WEAK_COSINE } from '../domain/cell_stats';
import { iconPlace } from '../domain/icon_sprites';
import { classColors } from '../domain/map_colors';
import type { NearestSamples } from '../domain/nearest_samples';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import { count, fraction, percent, plural, shorten } from '../util/format';
import { type Atlas, className, type IconKind, type Level } from '../wire/atlas';

const MIX_ROWS = 5;

export const KIND_NAMES: Readonly<Record<IconKind, string>> = {
  none: 'No icon',
  examples: 'Nearest real patch',
  preview: 'Preview',
  inversion: 'Feature inversion',
  poster: 'Feature inversion, poster quality',
};

export interface CellContext {
  readonly state: State;
  readonly session: Session;
  readonly nearest: NearestSamples;
  readonly atlas: Atlas;
  readonly level: Level;
  readonly facts: CellFacts;
}

export function bigIcon({ session, atlas, level, facts }: CellContext): TemplateResult {
  return cellIcon(session, atlas, level, facts.cell, 'big-icon');
}

export function cellIcon(
  session: Session,
  atlas: Atlas,
  level: Level,
  cell: number,
  kind: string,
): TemplateResult {
  const place = iconPlace(level, cell);
  const picture = place && session.pages.icon(atlas, level, place.page);
  if (!place || !picture) return html`<div class="${kind} none">no icon</div>`;
  const { x, y, side } = place;
  return html`<atlas-crop
    class=${kind}
    role="img"
    aria-label="Icon of the cell"
    .crop=${{ picture, rect: { x, y, width: side, height: side } }}
  ></atlas-crop>`;
}

export function headline({ facts, level }: CellContext): TemplateResult {
  const loaded = level.loaded[facts.cell] as number;
  return html`<div class="headline">
    <strong>${plural(facts.count, 'sample')}</strong>
    <span class="muted"
      >${percent(facts.share)} of the map${loaded < facts.count ? `; shares are of ${plural(loaded, 'sample')}` : ''}</span
    >
  </div>`;
}

export function iconLine({ facts }: CellContext): TemplateResult | typeof nothing {
  if (facts.kind === 'none') return nothing;
  const weak = facts.cosine !== null && facts.cosine < WEAK_COSINE;
  return html`<div class="icon-line">
    ${KIND_NAMES[facts.kind]}${
      facts.cosine === null
        ? nothing
        : html`<span
            class="number"
            title="Cosine between the icon's activation and the cell's mean, both centered by the layer's mean."
            >cosine ${fraction(facts.cosine)}</span
          >${
            weak
              ? html`<span
                class="weak"
                title="Below ${fraction(WEAK_COSINE)} the icon represents the cell poorly."
                >weak</span
              >`
              : nothing
          }`
    }
  </div>`;
}

export function accuracyLine({
  atlas,
  level,
  facts,
}: CellContext): TemplateResult | typeof nothing {
  const { labels, predictions } = atlas;
  if (labels === null || predictions === null) return nothing;
  const { known, wrong } = judge(labels, predictions, level, facts.cell);
  if (known.length === 0) return nothing;
  const correct = known.length - wrong.length;
  return html`<div class="icon-line">
    <span class="number" title="${count(correct)} of ${plural(known.length, 'labeled sample')} predicted correctly."
      >accuracy ${percent(correct / known.length)}</span
    >
  </div>`;
}

interface Mixed {
  readonly atlas: Atlas;
  readonly facts: Pick<CellFacts, 'mix'>;
}

export function classBars({ atlas, facts }: Mixed, rows = MIX_ROWS): TemplateResult {
  const values = atlas.labels ?? atlas.predictions;
  if (values === null) {
    return html`<p class="muted">No labels or predictions were recorded in this run.</p>`;
  }
  const colors = classColors(values, atlas.classes?.length ?? null);
  const rest = facts.mix.length - rows;
  const bar = ({
    index,
    share,
    count: members,
  }: Share) => html`<li title=${plural(members, 'sample')}>
    <span class="name">${shorten(className(atlas, index), 40)}</span>
    <span class="meter"
      ><i style="width:${100 * share}%;background:${colors.colorOf(index)}"></i
    ></span>
    <span class="number">${percent(share)}</span>
  </li>`;
  return html`<section>
    <h3>${atlas.labels ? 'Labels' : 'Predictions'}</h3>
    <ul class="bars">
      ${facts.mix.slice(0, rows).map(bar)}
    </ul>
    ${rest > 0 ? html`<p class="muted">and ${count(rest)} more</p>` : nothing}
  </section>`;
}

export function position({ atlas, facts }: CellContext): TemplateResult {
  return html`<p class="muted position">
    Row ${facts.row + 1}, column ${facts.col + 1} of ${facts.size} × ${facts.size} ·
    ${shorten(atlas.manifest.layer, 40)} · step ${count(atlas.step)}
  </p>`;
}
