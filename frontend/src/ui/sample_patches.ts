// SPDX-License-Identifier: Apache-2.0
/** Real patches of samples: which ones to show, why some are missing, and their labels. */

import { html, nothing, type TemplateResult } from 'lit';
import type { Nearest } from '../domain/nearest_samples';
import { findProbeRun } from '../domain/series/relayout_runs';
import { cropOfSample, type ThumbnailCrop } from '../domain/thumbnail_crop';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import { shorten } from '../util/format';
import { type Atlas, classesAt, className, classNames } from '../wire/atlas';
import type { Probe } from '../wire/probe';
import type { CellContext } from './cell_view';

/** One real patch, with its cut on the thumbnail page once that is here. */
export interface Patch {
  readonly sample: number;
  readonly cut: ThumbnailCrop | null;
  readonly picture: ImageBitmap | null;
}

export interface Patches {
  readonly nearest: Nearest;
  readonly list: readonly Patch[];
}

export function findPatches(context: CellContext, limit: number): Patches {
  const { state, session, nearest, atlas, level, facts } = context;
  const fetch = state.settled && !state.playing;
  const found = nearest.nearest(atlas, level, facts.cell, limit, fetch);
  return { nearest: found, list: cutPatches(state.probe, session, atlas, found.samples) };
}

export function cutPatches(
  probe: Probe | null,
  session: Session,
  atlas: Atlas,
  samples: readonly number[],
): Patch[] {
  return samples.map((sample) => {
    const cut = probe && cropOfSample(atlas, probe, sample);
    const picture = probe && cut ? session.pages.thumbs(probe.run, probe, cut.page) : null;
    return { sample, cut, picture };
  });
}

/** Why there are no pictures of the probe with `digest`, or null. */
export function patchesMissing(state: State, digest: string): string | null {
  const { run, runs } = state;
  if (run && findProbeRun(runs, run) === null)
    return 'The images of the probe are not in this run.';
  if (state.probeFailure) return `Images of the probe: ${state.probeFailure.message}`;
  if (state.probe && state.probe.manifest.digest !== digest) {
    return 'This step uses another probe than the images in this run.';
  }
  return null;
}

/** Why some patches stay empty, if any do. */
export function patchFailure(
  { probe }: State,
  { pages }: Session,
): TemplateResult | typeof nothing {
  const failure = probe && pages.thumbFailure(probe.run);
  return failure ? html`<p class="muted">Images of the probe: ${failure.message}</p>` : nothing;
}

/** The note that explains by which distance patches are ranked. */
export function rankedBy({ by }: Nearest): TemplateResult {
  const [word, title] =
    by === 'activation'
      ? ['by activation', "Cosine to the cell's mean, relative to the layer's mean."]
      : ['by distance on the map', 'Distance on the map; activations are not loaded.'];
  return html`<span class="muted" title=${title}>${word}</span>`;
}

export function patchLabel(atlas: Atlas, sample: number): string {
  const { labels, predictions } = atlas;
  const parts = [`image ${atlas.imageIds[sample]}`];
  if (labels) parts.push(shorten(classNames(atlas, labels, sample), 40));
  const predicted = predictions?.[sample];
  if (predicted !== undefined && !(labels && classesAt(labels, sample).includes(predicted))) {
    parts.push(`predicted ${shorten(className(atlas, predicted), 40)}`);
  }
  return parts.join(', ');
}
