// SPDX-License-Identifier: Apache-2.0
/** What the colours mean, and where the map comes from, in one corner. */

import { html, nothing, type TemplateResult } from 'lit';
import { tallyIcons, WEAK_COSINE } from '../../domain/cell_stats';
import { isThinned, type Legend, MOST_POINTS, SEQUENTIAL_CSS } from '../../domain/color_scales';
import type { ShowMode, State } from '../../state/store';
import { count, fraction, shorten } from '../../util/format';
import type { Atlas, Level } from '../../wire/atlas';
import { classLegend } from './class_legend';

type KeyedLegend = Exclude<Legend, { kind: 'none' }>;

/** `open` is how the key begins; after that it is the reader's. */
export function legendPanel(
  atlas: Atlas,
  level: Level,
  legend: Legend,
  show: ShowMode,
  open: boolean,
  note: TemplateResult | typeof nothing = nothing,
): TemplateResult {
  return html`<aside class="legend panel" aria-label="Legend">
    ${classLegend(atlas, open)}
    ${
      legend.kind === 'none'
        ? nothing
        : html`<details ?open=${open}>
            <summary>${titleOf(legend, show)}</summary>
            ${key(legend)}
          </details>`
    }
    ${note}
    <p class="provenance muted" title=${provenanceTitle(atlas)}>${provenance(atlas, level)}</p>
  </aside>`;
}

/** How many points are drawn of more than can well be, and the way to all of them. */
export function pointsNote(
  atlas: Atlas,
  state: State,
  all: (wanted: boolean) => void,
): TemplateResult | typeof nothing {
  if (state.show === 'icons' || atlas.count <= MOST_POINTS) return nothing;
  const thinned = isThinned(atlas, state);
  const shown = thinned ? `${count(MOST_POINTS)} of ${count(atlas.count)}` : count(atlas.count);
  return html`<p class="muted">
    Showing ${shown} points${thinned ? ', spread over all of them' : ''}.
    <button type="button" class="link" @click=${() => all(thinned)}>
      Show ${thinned ? 'all' : 'fewer'}
    </button>
  </p>`;
}

/** Rims and points say different things of classes; the title names what is drawn. */
function titleOf(legend: KeyedLegend, show: ShowMode): string {
  if (legend.kind !== 'classes' || show === 'icons') return legend.title;
  if (show === 'points') return legend.pointTitle;
  return `${legend.title}; points: ${legend.pointTitle.toLowerCase()}`;
}

function key(legend: KeyedLegend): TemplateResult {
  switch (legend.kind) {
    case 'missing':
      return html`<p>${legend.reason}</p>`;
    case 'classes':
      return html`<ul class="swatches">
        ${legend.entries.map(
          ({ label, colour }) =>
            html`<li><i style="background:${colour}"></i>${shorten(label, 24)}</li>`,
        )}
      </ul>`;
    case 'scale':
      return html`<div class="scale">
        <span>${legend.low}</span>
        <i style="background:${SEQUENTIAL_CSS}"></i>
        <span>${legend.high}</span>
      </div>
      ${legend.note ? html`<p class="legend-note muted"><i></i>${legend.note}</p>` : nothing}`;
  }
}

/** "2,000 samples · 10 × 10 · 30 neighbours · inversion, 3 weak · trust .95", as far as it was recorded. */
export function provenance(atlas: Atlas, level: Level): string {
  const { settings, trustworthiness } = atlas.manifest;
  const neighbors = settings.raw('neighbors');
  return [
    `${count(atlas.count)} samples`,
    `${level.size} × ${level.size}`,
    typeof neighbors === 'number' ? `${neighbors} neighbours` : '',
    icons(level),
    trustworthiness === null ? '' : `trust ${fraction(trustworthiness)}`,
    atlas.overlap === null ? '' : `kept ${fraction(mean(atlas.overlap))}`,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** "inversion", "90 inversion, 10 examples, 3 weak" or nothing: what is drawn, not what was asked. */
function icons(level: Level): string {
  const { kinds, weak } = tallyIcons(level);
  const [only, ...more] = kinds;
  if (only === undefined) return '';
  const names = more.length ? kinds.map(([kind, of]) => `${count(of)} ${kind}`) : [only[0]];
  const missing = kinds.reduce((left, [, of]) => left - of, level.kind.length);
  return [...names, weak && `${count(weak)} weak`, missing && `${count(missing)} missing (hatched)`]
    .filter(Boolean)
    .join(', ');
}

function provenanceTitle(atlas: Atlas): string {
  const { manifest } = atlas;
  return [
    `Model ${shorten(manifest.model, 80)}, ${count(manifest.channels)} channels`,
    'neighbours: nearest samples that draw a sample, itself counted',
    `weak: icons with a cosine under ${fraction(WEAK_COSINE)}, which say little of their cell`,
    'trust: share of map neighbours that are true neighbours, 1 is best',
    ...(atlas.overlap === null
      ? []
      : ["kept: share of a sample's neighbours in the layer that it had at the step before, too"]),
    ...(manifest.effectiveRank === null
      ? []
      : [`Effective rank ${manifest.effectiveRank.toFixed(1)}: directions that the layer uses`]),
    ...manifest.notes.slice(0, 5).map((note) => shorten(note, 200)),
  ].join('\n');
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
