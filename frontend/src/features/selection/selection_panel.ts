// SPDX-License-Identifier: Apache-2.0
/** The selected samples: their number, classes, patches, and positions at other steps. */

import { html, nothing, type TemplateResult } from 'lit';
import { classMix, nearestOnMap } from '../../domain/cell_stats';
import type { Cohesion } from '../../domain/comparison/sample_set_motion';
import type { Selection } from '../../domain/selection';
import { LONGEST_NAME } from '../../state/saved_selections';
import type { Session } from '../../state/session';
import type { DriftValues } from '../../state/step_values_loader';
import type { State } from '../../state/store';
import { classBars } from '../../ui/cell_view';
import {
  cutPatches,
  type Patch,
  patchesMissing,
  patchFailure,
  patchLabel,
} from '../../ui/sample_patches';
import { count, percent, plural, shorten } from '../../util/format';
import { Failure } from '../../wire/api';
import { type Atlas, className, classNames } from '../../wire/atlas';

const LABEL = 24;
const BARS = 10;

export interface Selected {
  readonly state: State;
  readonly session: Session;
  readonly atlas: Atlas;
  readonly selection: Selection;
  /** Why its samples are not in the atlas on screen, or null. */
  readonly reason: string | null;
  /** Number of patches that are shown. */
  readonly patches: number;
  readonly known: DriftValues<Cohesion | string>;
  /** The steps that are known of, of all that there are. */
  readonly steps: readonly number[];
  /** The step from which moves count. */
  readonly since: number | null;
  more(): void;
  save(name: string): void;
  saveCsv(): void;
  saveJson(): void;
  clear(): void;
}

export function selectionPanel(selected: Selected): TemplateResult {
  const { atlas, selection, reason, clear } = selected;
  const { rows, of, name } = selection;
  return html`<section class="selection" aria-label="Selected samples">
    <div class="headline">
      <strong>${plural(rows.length, 'sample')}</strong>
      <span class="muted">${percent(rows.length / of)} of the map, selected at step ${count(selection.step)}</span>
    </div>
    ${
      reason === null
        ? html`${naming(selected, name || suggestion(atlas, selection))} ${mix(atlas, rows)}
          ${gallery(selected)} ${course(selected)}`
        : html`<p>${reason}</p>`
    }
    <div class="sides" role="group" aria-label="Export or clear">
      <button type="button" class="button" ?disabled=${reason !== null} @click=${selected.saveCsv}>
        CSV
      </button>
      <button type="button" class="button" ?disabled=${reason !== null} @click=${selected.saveJson}>
        JSON
      </button>
      <button type="button" class="button" @click=${clear}>Clear</button>
    </div>
  </section>`;
}

/** "cat, 214 samples". */
function suggestion(atlas: Atlas, { rows }: Selection): string {
  const values = atlas.labels ?? atlas.predictions;
  const top = values && classMix(values, rows)[0];
  const name = top ? `${shorten(className(atlas, top.index), LONGEST_NAME / 2)}, ` : '';
  return name + plural(rows.length, 'sample');
}

function naming({ save }: Selected, name: string): TemplateResult {
  const submit = (event: Event) => {
    event.preventDefault();
    save((event.currentTarget as HTMLFormElement).querySelector('input')?.value ?? '');
  };
  return html`<form class="naming" @submit=${submit}>
    <input
      type="text"
      name="name"
      aria-label="Name of the selection"
      autocomplete="off"
      maxlength=${LONGEST_NAME}
      .value=${name}
    />
    <button class="button">Save</button>
  </form>`;
}

function mix(atlas: Atlas, rows: Int32Array): TemplateResult {
  const values = atlas.labels ?? atlas.predictions;
  return classBars({ atlas, facts: { mix: values ? classMix(values, rows) : [] } }, BARS);
}

function gallery({ state, session, atlas, selection, patches, more }: Selected): TemplateResult {
  const reason = patchesMissing(state, atlas.manifest.probeDigest);
  if (reason !== null) return html`<p class="muted">${reason}</p>`;
  const { rows } = selection;
  const samples = nearestOnMap(atlas.xy, rows, patches);
  const all = samples.length === rows.length;
  return html`<section>
    <h3>
      Real patches
      <span class="muted"
        >${all ? 'all' : `${count(samples.length)} of ${count(rows.length)}, from the center`}</span
      >
    </h3>
    <ul class="labeled-patches">
      ${cutPatches(state.probe, session, atlas, samples).map((one) => renderLabeledPatch(atlas, one))}
    </ul>
    ${patchFailure(state, session)}
    ${
      all || samples.length < patches
        ? nothing
        : html`<button type="button" class="link" @click=${more}>Show more patches</button>`
    }
  </section>`;
}

function renderLabeledPatch(atlas: Atlas, { sample, cut, picture }: Patch): TemplateResult {
  const values = atlas.labels ?? atlas.predictions;
  const name = values ? classNames(atlas, values, sample) : `image ${atlas.imageIds[sample]}`;
  return html`<li title=${patchLabel(atlas, sample)}>
    <atlas-crop
      class="patch"
      .crop=${cut && picture ? { picture, rect: cut.patch } : null}
    ></atlas-crop>
    <span>${shorten(name, LABEL)}</span>
  </li>`;
}

/** Cohesion of the samples at other steps. */
function course({ state, session, known, steps, since, selection }: Selected): TemplateResult {
  const all = state.series?.steps.length ?? 0;
  const read = steps.filter((step) => known.has(step)).length;
  const some = steps.length < all ? `${count(steps.length)} of ${count(all)} steps` : '';
  return html`<section>
    <h3>
      At each step
      <span class="muted">${read < steps.length ? `loading, ${read} of ${steps.length}` : some}</span>
    </h3>
    <table class="course">
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">Together</th>
          <th scope="col">Moved</th>
          <th scope="col">Significant</th>
        </tr>
      </thead>
      <tbody>
        ${steps.map((step) => courseRow(step, known.get(step), state, since, () => session.chooseStep(step)))}
      </tbody>
    </table>
    <p class="muted">
      Together: share within the radius that held 90% at step
      ${count(since ?? selection.step)}. Moved: mean displacement since then. Significant: share
      that moved farther than the noise floor.
    </p>
  </section>`;
}

function courseRow(
  step: number,
  known: Cohesion | string | Failure | undefined,
  state: State,
  since: number | null,
  go: () => void,
): TemplateResult {
  return html`<tr aria-current=${step === state.step ? 'step' : nothing}>
    <th scope="row">
      <button type="button" class="step-link" @click=${go}>
        ${count(step)}${step === since ? html`<span class="hidden"> where they were selected</span>` : nothing}
      </button>
    </th>
    ${courseCells(known, step === since)}
  </tr>`;
}

function courseCells(
  known: Cohesion | string | Failure | undefined,
  isBase: boolean,
): TemplateResult {
  if (known === undefined) return html`<td colspan="3" class="muted">…</td>`;
  if (known instanceof Failure || typeof known === 'string') {
    const reason = typeof known === 'string' ? known : known.message;
    return html`<td colspan="3" class="muted">${shorten(reason, 120)}</td>`;
  }
  const { together, moved, beyond } = known;
  return html`<td>
      <span class="meter"><i style="width:${100 * together}%"></i></span>
      <span class="number">${percent(together)}</span>
    </td>
    <td class="number">${isBase ? '–' : percent(moved)}</td>
    <td class="number">${beyond === null ? '–' : percent(beyond)}</td>`;
}
