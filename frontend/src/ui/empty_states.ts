// SPDX-License-Identifier: Apache-2.0
/** Messages on the stage if there is no map to show. */

import { html, nothing, type TemplateResult } from 'lit';
import { Address, hrefOf } from '../host/tensorboard';
import type { State } from '../state/store';
import { copy } from '../util/clipboard';
import { count, shorten } from '../util/format';
import type { Failure } from '../wire/api';

const EXAMPLE = `from tensorboard_plugin_atlas import AtlasWriter

atlas = AtlasWriter("runs/exp1", model, layers=["layer3"], probe=val_set)
...
atlas.add_atlas(step)      # in the training loop, at chosen steps`;

export function emptyState(retry: () => void, sample: () => void): TemplateResult {
  return html`<section class="veil">
    <div class="message wide">
      <h2>No atlas in this log directory yet</h2>
      <p>
        An activation atlas is a map of the activations of one layer of an image network. Similar
        activations are close together, and each cell has an icon that visualizes its mean
        activation. These lines log one at chosen steps:
      </p>
      <pre><code>${EXAMPLE}</code></pre>
      <p>
        Already logging? Check that <code>tensorboard --logdir</code> names the folder that
        <code>AtlasWriter</code> writes to, or a folder above it; atlases are in its subfolder
        <code>atlas</code>. <code>tensorboard-atlas inspect LOGDIR</code> lists what is there.
      </p>
      <div class="sides">
        <button type="button" class="button" @click=${sample}>Open a sample</button>
        <button type="button" class="button" @click=${retry}>Check again</button>
      </div>
    </div>
  </section>`;
}

/** Nothing at all could be loaded. */
export function failedState(failure: Failure, retry: () => void): TemplateResult {
  return html`<section class="veil">
    <div class="message fault">
      <h2>The atlases cannot be listed</h2>
      <p>${failure.message}</p>
      ${requestLine(failure)} ${ways(failure, retry)}
    </div>
  </section>`;
}

/** One step cannot be shown; the rest of the tab goes on. */
export function stepState(
  step: number | null,
  failure: Failure,
  retry: () => void,
): TemplateResult {
  const { title, advice } = explain(step ?? 0, failure);
  return html`<section class="veil" data-failure=${failure.kind}>
    <div class="message fault">
      <h2>${title}</h2>
      <p>${failure.message}</p>
      <p class="muted">${advice}</p>
      ${requestLine(failure)} ${ways(failure, retry)}
    </div>
  </section>`;
}

function explain(step: number, { kind }: Failure): { title: string; advice: string } {
  const name = `Step ${count(step)}`;
  switch (kind) {
    case 'damaged':
      return {
        title: `${name} is damaged`,
        advice: 'Its stored bytes do not match their checksum. The other steps are not affected.',
      };
    case 'too_new':
      return {
        title: `${name} is from a newer version`,
        advice:
          'Upgrade tensorboard_plugin_atlas here to see it. The other steps are not affected.',
      };
    case 'not_found':
      return {
        title: `${name} is no longer kept`,
        advice:
          'TensorBoard keeps only some steps of a long series. Reload, or keep more with --atlas_samples.',
      };
    default:
      return { title: `${name} could not be loaded`, advice: 'Try another step.' };
  }
}

function ways(failure: Failure, retry: () => void): TemplateResult {
  const { kind, message, request, status } = failure;
  const details = [
    `${kind}: ${message}`,
    `Request: ${request}, status ${status ?? 'none'}`,
    `Page: ${hrefOf(new Address().read())}`,
    navigator.userAgent,
  ].join('\n');
  return html`<div class="sides">
    <button type="button" class="button" @click=${retry}>Retry</button>
    <button
      type="button"
      class="button"
      @click=${async ({ currentTarget }: Event) => {
        (currentTarget as HTMLElement).textContent = await copy(details, 'Copied');
      }}
    >
      Copy details
    </button>
  </div>`;
}

function requestLine({ request, status }: Failure): TemplateResult {
  return html`<p class="request muted">
    Request <code>${request}</code>${status === null ? nothing : html`, status ${status}`}
  </p>`;
}

const LONGEST_NAME = 80;

/** What the link names and the log lacks, with what is shown instead; empty if nothing is missing. */
export function missingLine({ missing, run, series, step, compare }: State): string {
  const shown = { run: run?.run, layer: series?.layer, step, compare };
  const parts = Object.entries(missing).map(([what, wanted]) => {
    const instead = shown[what as keyof typeof shown];
    return `${what} ${shorten(wanted, LONGEST_NAME)} (shown: ${shorten(String(instead ?? 'none'), LONGEST_NAME)})`;
  });
  return parts.length === 0 ? '' : `The link names what is not in this log: ${parts.join('; ')}.`;
}

/** Lines that qualify a map which is nevertheless shown. */
export function banners(
  state: State,
  retry: () => void,
  revive: () => void,
  again: () => void,
): TemplateResult | typeof nothing {
  const { renderer, sheetFailure, loadFailed, source, history, atlas } = state;
  const missing = missingLine(state);
  const lines = [
    source.kind === 'sample' &&
      html`<p class="banner">
        Sample: a pretrained network is fine-tuned on photographs.
        <button type="button" class="link" @click=${() => location.reload()}>Close it</button>
      </p>`,
    missing &&
      html`<p class="banner">
        ${missing}
        <button type="button" class="link" @click=${again}>Check again</button>
      </p>`,
    atlas &&
      history?.steps.get(atlas.step)?.preliminary &&
      html`<p class="banner">
        Step ${count(atlas.step)} is preliminary: it shows real patches until its icons are
        rendered.
      </p>`,
    sheetFailure &&
      html`<p class="banner">
        Icons of this grid cannot be shown: ${sheetFailure.message}
        <button type="button" class="link" @click=${retry}>Retry</button>
      </p>`,
    loadFailed &&
      html`<p class="banner">
        Part of this tab failed to load: TensorBoard does not respond.
        <button type="button" class="link" @click=${retry}>Retry</button>
      </p>`,
    renderer === 'canvas' &&
      html`<p class="banner">
        This browser has no WebGL2: the map is drawn more slowly, without crossfades.
      </p>`,
    renderer === 'lost' &&
      html`<p class="banner">
        The browser lost the WebGL context of the map.
        <button type="button" class="link" @click=${revive}>Retry</button>
      </p>`,
    renderer === 'none' &&
      html`<p class="banner">The map cannot be drawn: this browser has no canvas, or the renderer
        failed to load. Press t for a table of the cells.</p>`,
  ].filter(Boolean);
  return lines.length === 0 ? nothing : html`<div class="banners">${lines}</div>`;
}
