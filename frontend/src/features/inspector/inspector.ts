// SPDX-License-Identifier: Apache-2.0
/** The inspector of the pinned cell: the same content as the card, larger, with the full images of the patches. */

import { html, nothing, type TemplateResult } from 'lit';
import { keepPin, readPins, samePin } from '../../state/pins';
import {
  accuracyLine,
  bigIcon,
  type CellContext,
  classBars,
  headline,
  iconLine,
  position,
} from '../../ui/cell_view';
import { iconButton, SELECTION_ICON } from '../../ui/icons';
import { panelHead } from '../../ui/panel_head';
import {
  findPatches,
  type Patch,
  patchesMissing,
  patchFailure,
  patchLabel,
  rankedBy,
} from '../../ui/sample_patches';
import { similarList } from './similar_cells_list';

const INSPECTOR_PATCHES = 12;

export interface Selection {
  /** Sample whose whole image is shown, or null. */
  readonly sample: number | null;
  choose(sample: number | null): void;
}

/** `context` is null where the pinned place holds no drawn cell at this step. */
export function inspector(
  context: CellContext | null,
  selection: Selection,
  close: () => void,
  sections: unknown = nothing,
): TemplateResult {
  return html`<aside class="inspector panel" aria-label="Pinned cell">
    ${panelHead('Pinned cell', 'Unpin', 'Esc', close, context ? pinButton(context) : nothing)}
    ${
      context === null
        ? html`<p class="muted">
          The pinned cell has too few samples at this step or on this grid.
        </p>`
        : html`<div class="card-top">
            ${bigIcon(context)}
            <div class="card-facts">${headline(context)} ${iconLine(context)} ${accuracyLine(context)}</div>
          </div>
          ${classBars(context)} ${sections} ${similarList(context)} ${gallery(context, selection)} ${position(context)}`
    }
  </aside>`;
}

/** For those who cannot hold Shift. */
function pinButton({ session, state, atlas, facts }: CellContext): TemplateResult {
  const { step, series } = atlas;
  const pin = { ...facts, step, series };
  return iconButton({
    icon: SELECTION_ICON,
    name: 'Add to the pins',
    key: 'Shift + Enter',
    pressed: readPins(state.pins).some((one) => samePin(one, pin)),
    press: () => keepPin(session, facts),
  });
}

function gallery(context: CellContext, selection: Selection): TemplateResult {
  const reason = patchesMissing(context.state, context.atlas.manifest.probeDigest);
  if (reason !== null) return html`<p class="muted">${reason}</p>`;
  const { nearest, list } = findPatches(context, INSPECTOR_PATCHES);
  const chosen = list.find(({ sample }) => sample === selection.sample);
  return html`<section>
    <h3>Nearest real patches ${rankedBy(nearest)}</h3>
    <div class="patches wide">${list.map((patch) => patchButton(context, patch, selection))}</div>
    ${patchFailure(context.state, context.session)}
    ${chosen ? wholeImage(context, chosen) : html`<p class="muted">Click a patch for its image.</p>`}
  </section>`;
}

function patchButton(
  { atlas }: CellContext,
  { sample, cut, picture }: Patch,
  selection: Selection,
): TemplateResult {
  const pressed = sample === selection.sample;
  const label = patchLabel(atlas, sample);
  return html`<button
    type="button"
    class="patch-button"
    aria-pressed=${pressed}
    aria-label="Patch of ${label}"
    title=${label}
    @click=${() => selection.choose(pressed ? null : sample)}
  >
    <atlas-crop
      class="patch"
      .crop=${cut && picture ? { picture, rect: cut.patch } : null}
    ></atlas-crop>
  </button>`;
}

function wholeImage(
  { atlas }: CellContext,
  { sample, cut, picture }: Patch,
): TemplateResult | typeof nothing {
  if (!cut || !picture) return nothing;
  return html`<figure>
    <atlas-crop class="whole" .crop=${{ picture, rect: cut.image, box: cut.patch }}></atlas-crop>
    <figcaption class="muted">${patchLabel(atlas, sample)}</figcaption>
  </figure>`;
}
