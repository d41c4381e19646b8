// SPDX-License-Identifier: Apache-2.0
/** From a class that is asked about to the atlas of what speaks for it, or how to have one. */

import { html, nothing, type TemplateResult } from 'lit';
import { type Atlas, className } from '../atlas';
import { classAtlasOf } from '../class_atlas';
import { findAtlas, openAtlas, type Place, seriesLabel } from '../class_places';
import { shorten } from '../format';
import type { Session } from '../session';
import type { State } from '../store';

const NAME = 40;

/** Buttons for the atlases of `classes` at the shown layer, of the first two together, and of the layer itself. */
export function classLinks(
  { runs, run, series }: State,
  session: Session,
  atlas: Atlas,
  classes: readonly number[],
): TemplateResult | typeof nothing {
  if (run === null) return nothing;
  const stated = classAtlasOf(atlas);
  const layer = stated?.layer ?? atlas.manifest.layer;
  const named = (index: number) => shorten(className(atlas, index), NAME);
  const find = (asked: readonly number[]) =>
    findAtlas(
      runs,
      run,
      layer,
      asked.map((index) => seriesLabel(atlas.classes, index)),
    );
  const link = (place: Place | null, name: string) =>
    place === null || place.series.id === series?.id
      ? nothing
      : html`<button type="button" class="link" @click=${() => openAtlas(session, place)}>
          Open the atlas of ${name}
        </button>`;
  const missing = classes.filter((index) => find([index]) === null);
  const pair = classes.length === 2 ? find(classes) : null;
  return html`<div class="class-links">
    ${classes.map((index) => link(find([index]), named(index)))}
    ${link(pair, classes.map(named).join(' / '))}
    ${stated ? link(find([]), shorten(layer, NAME)) : nothing}
    ${
      missing.length === 0
        ? nothing
        : html`<p class="muted">
            No atlas of only what speaks for ${missing.map(named).join(' or ')} at this layer. At each
            checkpoint: <code>${setting(atlas, missing)}</code> From a checkpoint, later:
            <code>tensorboard-atlas class</code>
          </p>`
    }
  </div>`;
}

/** As it would be typed; a class whose name is not fit for that is called by its number. */
function setting({ classes }: Atlas, missing: readonly number[]): string {
  const literals = missing.map((index) => {
    const name = classes?.[index] ?? '';
    const plain =
      classes?.filter((one) => one === name).length === 1 && shorten(name, NAME) === name;
    return plain && name !== '' ? JSON.stringify(name) : String(index);
  });
  return `AtlasWriter(..., class_atlases=[${literals.join(', ')}])`;
}
