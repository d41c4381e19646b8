// SPDX-License-Identifier: Apache-2.0
/** Links from a class to its class atlas, or the command that computes it. */

import { html, nothing, type TemplateResult } from 'lit';
import { classAtlasOf } from '../../domain/class_atlas';
import { findAtlas, openAtlas, type Place, seriesLabel } from '../../state/class_atlas_lookup';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { shorten } from '../../util/format';
import { type Atlas, className } from '../../wire/atlas';

const NAME = 40;

/** Buttons for the atlases of `classes` at the shown layer, of two together, and back to the layer's own. */
export function classLinks(
  state: State,
  session: Session,
  atlas: Atlas,
  classes: readonly number[],
): readonly TemplateResult[] {
  const singles = classes.map((index) => [index]);
  const back = classAtlasOf(atlas) === null ? [] : [[]];
  return [...singles, ...(classes.length === 2 ? [classes] : []), ...back].flatMap((wanted) => {
    const place = find(state, atlas, wanted);
    if (place === null || place.series.id === state.series?.id) return [];
    const name =
      wanted.length === 0 ? shorten(layerOf(atlas), NAME) : joinNames(atlas, wanted, ' / ');
    return html`<button type="button" class="link" @click=${() => openAtlas(session, place)}>
      Open the atlas of ${name}
    </button>`;
  });
}

/** How to have the atlases of `classes` that are not there. */
export function missingAtlases(
  state: State,
  atlas: Atlas,
  classes: readonly number[],
): TemplateResult | typeof nothing {
  const missing = classes.filter((index) => find(state, atlas, [index]) === null);
  if (missing.length === 0) return nothing;
  return html`<p class="muted">
    No class atlas of ${joinNames(atlas, missing, ' or ')} was computed for this layer:
    <code>${setting(atlas, missing)}</code>, or later <code>tensorboard-atlas class</code>
  </p>`;
}

function layerOf(atlas: Atlas): string {
  return classAtlasOf(atlas)?.layer ?? atlas.manifest.layer;
}

function find({ runs, run }: State, atlas: Atlas, classes: readonly number[]): Place | null {
  const labels = classes.map((index) => seriesLabel(atlas.classes, index));
  return run && findAtlas(runs, run, layerOf(atlas), labels);
}

function joinNames(atlas: Atlas, classes: readonly number[], between: string): string {
  return classes.map((index) => shorten(className(atlas, index), NAME)).join(between);
}

/** As it would be typed; a class whose name is not fit for that is called by its number. */
function setting({ classes }: Atlas, missing: readonly number[]): string {
  const literals = missing.map((index) => {
    const name = seriesLabel(classes, index);
    const fit = name !== '' && name === classes?.[index] && name === shorten(name, NAME);
    return fit ? JSON.stringify(name) : String(index);
  });
  return `AtlasWriter(..., class_atlases=[${literals.join(', ')}])`;
}
