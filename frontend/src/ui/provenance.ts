// SPDX-License-Identifier: Apache-2.0
/** The line with the data, settings, and icons of a map. */

import { tallyIcons, WEAK_COSINE } from '../domain/cell_stats';
import { count, fraction, shorten } from '../util/format';
import type { Atlas, Level } from '../wire/atlas';

/** `inView`: how many samples of the view are points, in words. "2,000 samples · 10 × 10 · 30 neighbors · inversion, 3 weak · trustworthiness .95", as far as it was recorded. */
export function provenance(atlas: Atlas, level: Level, inView: string): string {
  const { settings, trustworthiness, fields } = atlas.manifest;
  const logged = fields.logged_samples;
  const neighbors = settings.neighbors;
  return [
    `${logged === null ? '' : `${count(atlas.count)} of `}${count(logged ?? atlas.count)} samples${inView && `; ${inView}`}`,
    `${level.size} × ${level.size}`,
    typeof neighbors === 'number' ? `${neighbors} neighbors` : '',
    icons(level),
    trustworthiness === null ? '' : `trustworthiness ${fraction(trustworthiness)}`,
    atlas.overlap === null ? '' : `neighbors kept ${fraction(mean(atlas.overlap))}`,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** "inversion", "90 inversion, 10 examples, 3 weak" or nothing: what is shown, not what was configured. */
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

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

export function provenanceTitle(atlas: Atlas): string {
  const { manifest } = atlas;
  return [
    `Model ${shorten(manifest.model, 80)}, ${count(manifest.channels)} channels`,
    'neighbors: per sample in the layout, itself included',
    `weak: icons with a cosine under ${fraction(WEAK_COSINE)}`,
    'trustworthiness: share of map neighbors that are true neighbors, 1 is best',
    ...(atlas.overlap === null
      ? []
      : [
          "neighbors kept: share of a sample's neighbors in the layer that it also had at the previous step",
        ]),
    ...(manifest.effectiveRank === null
      ? []
      : [`Effective rank ${manifest.effectiveRank.toFixed(1)}: directions that the layer uses`]),
    ...manifest.notes.slice(0, 5).map((note) => shorten(note, 200)),
  ].join('\n');
}
