// SPDX-License-Identifier: Apache-2.0
/** What a class atlas is of, in words: which places, which directions, and what makes a step unlike the last. */

import { html, nothing, type TemplateResult } from 'lit';
import type { Atlas } from '../atlas';
import { signedFraction } from '../attribution';
import { type Axis, type ClassAtlas, classAtlasOf } from '../class_atlas';
import { fraction, plural, shorten } from '../format';

const NAME = 40;
const NOTE = 200;
/** Notes of the layout that say why the map is not that of the step before. */
const BREAKS = /^layout: (?=started|the frame)/;

/** A part of the legend; nothing for the atlas of a layer. */
export function classLegend(atlas: Atlas): TemplateResult | typeof nothing {
  const stated = classAtlasOf(atlas);
  if (stated === null) return nothing;
  const breaks = atlas.manifest.notes.filter((note) => BREAKS.test(note)).slice(0, 2);
  return html`<div class="class-note">
    <p><strong>${titleOf(stated)}</strong></p>
    <p class="muted">${placesOf(atlas, stated)}</p>
    ${stated.axis ? html`<p>${axisWords(stated.axis)}</p>` : nothing}
    ${breaks.map((note) => html`<p class="muted">${sentence(note.replace(BREAKS, ''))}</p>`)}
  </div>`;
}

function titleOf({ names, filled }: ClassAtlas): string {
  return `${filled ? 'Places' : 'Only places'} that speak for ${wordsOf(names, ' or for ')}`;
}

/** How many samples there are, and whether the class is the strongest of each. */
function placesOf({ count }: Atlas, { names, filled }: ClassAtlas): string {
  const samples = plural(count, 'sample');
  const several = names.length > 1;
  if (!filled) {
    const which = several ? 'one of the two' : wordsOf(names, '');
    return `${samples}; ${which} is the strongest class of each.`;
  }
  const whose = several ? 'For at least one of the two, too' : 'Too';
  return `${samples}. ${whose} few places have it as their strongest class: the loudest of the others joined them.`;
}

function axisWords({ left, right, reach, trust }: Axis): string {
  const [from, to] = [left, right].map((name) => shorten(name, NAME));
  const rims = `±${signedFraction(reach).slice(1)} logits at the rims`;
  const trusted = trust === null ? '' : ` (trust ${fraction(trust)})`;
  return `Left to right: how much more a place speaks for ${to} than for ${from}, ${rims}. Up and down: what looks alike to the layer${trusted}.`;
}

function wordsOf(names: readonly string[], between: string): string {
  return names.map((name) => shorten(name, NAME)).join(between);
}

function sentence(note: string): string {
  const text = shorten(note, NOTE);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
