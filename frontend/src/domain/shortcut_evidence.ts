// SPDX-License-Identifier: Apache-2.0
/** What a significant patch shows; the same rule as `TestedPatch.evidence` in Python. */

import type { Shortcut } from '../wire/shortcut_record';

/** Patches that cover a larger share of the image can be parts of objects. */
const OBJECT_AREA = 1 / 16;
/** Share of the effect that noise of the same color may explain. */
const COLOR_SHARE = 0.5;

export type Evidence = 'beyond color' | 'mostly color' | 'object-sized';

const RESULTS: Readonly<Record<Evidence, string>> = {
  'beyond color': 'significant beyond color',
  'mostly color': 'significant, mostly color',
  'object-sized': 'significant, object-sized',
};

const REASONS: Readonly<Record<Evidence, string>> = {
  'beyond color': 'Noise of its mean color explains less than half of its effect.',
  'mostly color': 'Noise of its mean color may explain half of its effect or more.',
  'object-sized': 'It covers more than a sixteenth of the image: it may be a part of an object.',
};

type Tested = Pick<Shortcut, 'significant' | 'area' | 'interval'> & {
  readonly rates: Pick<Shortcut['rates'], 'flip'>;
};

export function evidenceOf({ significant, area, rates, interval }: Tested): Evidence | null {
  if (!significant) return null;
  if (interval[0] <= COLOR_SHARE * rates.flip) return 'mostly color';
  return area > OBJECT_AREA ? 'object-sized' : 'beyond color';
}

/** The result of the test in words, and why; nothing if the patch is not significant. */
export function resultOf(tested: Tested): { result: string; reason: string } | null {
  const evidence = evidenceOf(tested);
  return evidence && { result: RESULTS[evidence], reason: REASONS[evidence] };
}
