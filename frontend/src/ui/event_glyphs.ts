// SPDX-License-Identifier: Apache-2.0
/** A glyph for each kind of event. Time runs from left to right. */

import { html, svg, type TemplateResult } from 'lit';
import type { EventKind } from '../wire/series_history';

const PATHS: Readonly<Record<EventKind, string>> = {
  born: 'M9 12h12',
  merges: 'M21 12h-6C11 12 11 6 3 6m12 6c-4 0-4 6-12 6',
  splits: 'M3 12h6c4 0 4-6 12-6M9 12c4 0 4 6 12 6',
  dies: 'M3 12h11m0-5 7 10m0-10-7 10',
  flips: 'M6 9h12l-4-4M18 15H6l4 4',
  confidence: 'M4 20V13m8 7V9m8 11V4',
};

export const EVENT_NAMES: Readonly<Record<EventKind, string>> = {
  born: 'Born',
  merges: 'Merged',
  splits: 'Split',
  dies: 'Ended',
  flips: 'Predictions changed',
  confidence: 'Confidence changed',
};

export function eventGlyph(kind: EventKind): TemplateResult {
  const seed = kind === 'born' ? svg`<circle cx="7" cy="12" r="4" />` : '';
  return html`<svg class="glyph" viewBox="0 0 24 24" aria-hidden="true">
    ${svg`<path d=${PATHS[kind]} />`}${seed}
  </svg>`;
}
