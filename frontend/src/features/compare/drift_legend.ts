// SPDX-License-Identifier: Apache-2.0
/** What the drift on the map says, in words and numbers, or why there is none; and the choice of what it is of. */

import { html, nothing, svg, type TemplateResult } from 'lit';
import { findFalls, findTurns } from '../../domain/activation_drift';
import { SEQUENTIAL_CSS } from '../../domain/color_scales';
import { type Drift, findDrift, sayChange, type Told } from '../../domain/drift';
import type { Evidence } from '../../domain/nearest_samples';
import { whyUnpaired } from '../../domain/sample_pairing';
import { referenceOf, wantedStep } from '../../state/reference_step';
import type { Session } from '../../state/session';
import { type Channel, DRIFTS, type State } from '../../state/store';
import { segments } from '../../ui/segmented_control';
import { count, percent, plural } from '../../util/format';
import type { Atlas, Level } from '../../wire/atlas';

interface Words {
  /** As files call it. */
  readonly key: 'moved' | 'turned' | 'fell';
  readonly name: string;
  /** Of samples, before and behind a number. */
  readonly did: string;
  readonly unit: string;
  readonly say: (value: number, most: number) => string;
  /** Of cells that are news. */
  readonly news: string;
  readonly than: string;
  /** What the colours say. */
  readonly colour: string;
}

const WORDS: Readonly<Record<Channel, Words>> = {
  on: {
    key: 'moved',
    name: 'Map',
    did: 'Samples moved',
    unit: " of the map's side",
    say: percent,
    news: 'moved',
    than: 'more than chance',
    colour: '',
  },
  activation: {
    key: 'turned',
    name: 'Activation',
    did: 'Samples turned by',
    unit: ' (1 − cosine)',
    say: sayChange,
    news: 'turned',
    than: 'more than storing could turn them',
    colour: "1 − cosine of a sample's activation then and now, each from its layer's mean",
  },
  attribution: {
    key: 'fell',
    name: 'Attribution',
    did: "Samples' first class fell",
    unit: ' places',
    say: sayChange,
    news: 'changed first class',
    than: 'by more than two standard errors',
    colour: "By how many places the class fell that a sample's cell spoke for most",
  },
};

/** Of the channel that `state` shows. */
export function driftWords({ drift }: State): Words {
  return WORDS[drift || 'on'];
}

/** What the shown step is held against, or why that is not here. */
export function referenceOr(state: State): Atlas | string {
  const step = wantedStep(state);
  if (step === null) return 'This is the first step: there is none before to have moved from.';
  const { otherFailure } = state;
  const missing = otherFailure ? `cannot be read: ${otherFailure.message}` : 'is on its way …';
  return referenceOf(state) ?? `Step ${count(step)} ${missing}`;
}

/** The drift that `state` shows on a level, or why it cannot. */
export function driftOf(
  state: State,
  atlas: Atlas,
  level: Level,
  evidence: Evidence,
): Drift | Told | string {
  const other = referenceOr(state);
  if (typeof other === 'string') return other;
  const reason = whyUnpaired(other, atlas);
  if (reason !== null) return reason;
  if (state.drift === 'attribution') return findFalls(other, atlas, level);
  if (state.drift !== 'activation') return findDrift(other, atlas, level);
  // Not for those that the map only passes on its way.
  const ask = atlas === state.atlas;
  const [from, to] = [evidence.activations(other, ask), evidence.activations(atlas, ask)];
  if (typeof from === 'string') return from;
  return typeof to === 'string' ? to : findTurns(from, to, level);
}

/** "Samples moved 12% of the map's side since step 400; 80% of them more than chance." */
function inWords(
  state: State,
  value: number,
  most: number,
  when: string,
  share?: number | null,
): string {
  const { did, unit, than, say } = driftWords(state);
  const said = say(value, most);
  const news = share == null ? '' : `; ${percent(share)} of them ${than}`;
  return Number.isNaN(value) ? `${did}: not known.` : `${did} ${said}${unit} ${when}${news}.`;
}

export function driftOfCell(state: State, { values, most, beyond }: Told, cell: number): string {
  return inWords(state, values[cell] as number, most, since(state), beyond?.[cell]);
}

/** "since step 400", or "since A, step 400". */
function since(state: State): string {
  return `since ${state.compare === null ? '' : 'A, '}step ${count(wantedStep(state) ?? 0)}`;
}

/** "12 of 80 cells moved more than chance since step 400", for the legend and for screen readers. */
export function driftSentence(state: State, { beyond, news }: Told): string {
  const { name, news: did, than } = driftWords(state);
  if (beyond === null) return `${name}, ${since(state)}: news or not`;
  return `${count(news)} of ${plural(beyond.length, 'cell')} ${did} ${than} ${since(state)}`;
}

export function driftLegend(
  { store }: Session,
  atlas: Atlas,
  level: Level,
  evidence: Evidence,
): TemplateResult {
  const { state } = store;
  const told = driftOf(state, atlas, level, evidence);
  return html`<aside class="legend panel drift-legend" aria-label="Drift">
    ${segments(
      'Drift of',
      'drift',
      DRIFTS,
      (channel) => WORDS[channel].name,
      state.drift || 'on',
      (drift) => store.set({ drift }),
    )}
    ${typeof told === 'string' ? html`<p>${told}</p>` : sums(state, told)}
  </aside>`;
}

function sums(state: State, told: Drift | Told): TemplateResult {
  const { mean, most, beyondShare, beyond } = told;
  const moves = 'from' in told;
  return html`<p><strong>${driftSentence(state, told)}</strong></p>
    ${moves ? signs(beyond) : scale(state, told)}
    <p class="muted">
      ${inWords(state, mean, most, 'on average', beyondShare)}
      ${
        beyond === null
          ? 'No noise floor was recorded for this step, so that nothing can be called news. Atlases of this version measure one from the second checkpoint on.'
          : nothing
      }
      ${moves ? stepsBetween(state) : nothing}
    </p>`;
}

function signs(beyond: Float32Array | null): TemplateResult {
  return html`${beyond === null ? nothing : key(NEWS, 'most of its samples moved farther than chance')}
  ${key(CHANCE, beyond === null ? 'not known to be more than chance' : 'chance explains the move')}`;
}

function scale(state: State, { most, note = '' }: Told): TemplateResult {
  return html`<div class="scale">
      <span>0</span>
      <i style="background:${SEQUENTIAL_CSS}"></i>
      <span>${sayChange(most, most)}</span>
    </div>
    <p class="muted">${driftWords(state).colour}. Thin and pale: no news.${note}</p>`;
}

/** The floor is that of one step; over more of them chance adds up. */
export function stepsBetween({ series, step, compare }: State): string | typeof nothing {
  const at = (one: number | null) => series?.steps.indexOf(one ?? Number.NaN) ?? -1;
  const between = Math.abs(at(step) - at(compare)) - 1;
  if (compare === null || between < 1) return nothing;
  return `Chance is that of one step; ${plural(between, 'more step')} ${
    between === 1 ? 'lies' : 'lie'
  } between.`;
}

const NEWS = svg`<path class="solid" d="M2 8.6 24 6v-4l10 7-10 7v-4L2 9.4z" />`;
const CHANCE = svg`<path class="broken" d="M2 9h28" /><circle cx="32" cy="9" r="2" />`;

function key(sign: TemplateResult<2>, words: string): TemplateResult {
  return html`<p class="drift-key">
    <svg viewBox="0 0 36 18" aria-hidden="true">${sign}</svg> ${words}
  </p>`;
}
