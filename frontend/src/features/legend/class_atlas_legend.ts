// SPDX-License-Identifier: Apache-2.0
/** The legend of a class atlas: its positions, its axis, and why a step does not continue the previous one. */

import { html, nothing, type TemplateResult } from 'lit';
import { type Axis, type ClassAtlas, classAtlasOf } from '../../domain/class_atlas';
import { fraction, shorten } from '../../util/format';
import type { Atlas } from '../../wire/atlas';
import { formatFractionWithSign } from '../../wire/attribution';

const NAME = 40;
const NOTE = 200;
/** Notes of the layout that say why the map is not that of the step before. */
const BREAKS = /^layout: (?=started|the (?:frame|viewport))/;

/** A part of the legend, which begins open or not; nothing for the atlas of a layer. */
export function classLegend(atlas: Atlas, open: boolean): TemplateResult | typeof nothing {
  const stated = classAtlasOf(atlas);
  if (stated === null) return nothing;
  const breaks = atlas.manifest.notes.filter((note) => BREAKS.test(note)).slice(0, 2);
  return html`<details class="class-note" ?open=${open}>
    <summary>${titleOf(stated)}</summary>
    <p class="muted">${choiceOf(stated)}</p>
    ${stated.axis ? html`<p>${axisWords(stated.axis)}</p>` : nothing}
    ${breaks.map((note) => html`<p class="muted">${sentence(note.replace(BREAKS, ''))}</p>`)}
  </details>`;
}

function titleOf({ layer, names, filled }: ClassAtlas): string {
  const places = `${filled ? 'Positions' : 'Only positions'} of ${shorten(layer, NAME)}`;
  return `${places} with attribution for ${names.map((name) => shorten(name, NAME)).join(' or for ')}`;
}

/** Whether the class is the strongest of each sample. */
function choiceOf({ names, filled }: ClassAtlas): string {
  const several = names.length > 1;
  if (!filled)
    return `${several ? 'One of the classes' : 'The class'} has the highest attribution at each position.`;
  const whose = several ? 'For at least one class, too' : 'Too';
  return `${whose} few positions have it as their strongest class; the next strongest positions were added.`;
}

function axisWords({ left, right, reach, trustworthiness }: Axis): string {
  const [from, to] = [left, right].map((name) => shorten(name, NAME));
  const rims = `±${formatFractionWithSign(reach).slice(1)} logits at the edges`;
  const quality = trustworthiness === null ? '' : ` (trustworthiness ${fraction(trustworthiness)})`;
  return `Left to right: attribution for ${to} minus ${from}, ${rims}. Up and down: similarity of activations${quality}.`;
}

function sentence(note: string): string {
  const text = shorten(note, NOTE);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
