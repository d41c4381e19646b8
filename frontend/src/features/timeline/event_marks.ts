// SPDX-License-Identifier: Apache-2.0
/** Marks over the timeline at the steps with events. */

import { html, nothing, type TemplateResult } from 'lit';
import type { State } from '../../state/store';
import { EVENT_NAMES, eventGlyph } from '../../ui/event_glyphs';
import { count, plural, shorten } from '../../util/format';
import { type RunEvent, sameEvent } from '../../wire/series_history';

/** Marks closer than this share of the line would overlap; the more significant one is shown. */
const LEAST_GAP = 0.03;
const TOOLTIP_LINES = 8;

export interface Mark {
  /** The most significant event of its step; a change of predictions only if there is no other. */
  readonly event: RunEvent;
  /** All listed events of the step, those of concepts first, each kind by significance. */
  readonly events: readonly RunEvent[];
  /** Place on the line, from 0 to 1. */
  readonly at: number;
}

/** One mark for each step with events, as far as there is room, the most significant first. */
export function findMarks(events: readonly RunEvent[], steps: readonly number[]): Mark[] {
  const byStep = new Map<number, RunEvent[]>();
  // Predictions change at nearly every step.
  const concepts = events.filter(({ classes }) => classes === null);
  const predictions = events.filter(({ classes }) => classes !== null);
  for (const event of [...concepts, ...predictions])
    byStep.set(event.step, [...(byStep.get(event.step) ?? []), event]);
  const last = Math.max(1, steps.length - 1);
  const marks: Mark[] = [];
  for (const [step, own] of byStep) {
    const index = steps.indexOf(step);
    const [event] = own;
    if (index < 0 || event === undefined) continue;
    const at = index / last;
    if (marks.some((mark) => Math.abs(mark.at - at) < LEAST_GAP)) continue;
    marks.push({ event, events: own, at });
  }
  return marks;
}

/** For pointers; the event list is the same for keys and screen readers. */
export function eventMarks(
  { history, series, highlight, step }: State,
  jump: (event: RunEvent) => void,
): TemplateResult | typeof nothing {
  const marks = findMarks(history?.events ?? [], series?.steps ?? []);
  if (marks.length === 0) return nothing;
  return html`<span class="event-marks" aria-hidden="true">
    ${marks.map(
      ({ event, events, at }) =>
        html`<button
          type="button"
          tabindex="-1"
          class="event-mark ${event.step === step ? 'here' : ''} ${
            events.some((one) => sameEvent(one, highlight?.event)) ? 'chosen' : ''
          }"
          data-kind=${event.kind}
          data-step=${event.step}
          style="left:${100 * at}%"
          title=${tooltip(events)}
          @click=${() => jump(event)}
        >
          ${eventGlyph(event.kind)}
        </button>`,
    )}
  </span>`;
}

/** The mark of step A of a comparison. */
export function sideMark({ compare, compareIn, series }: State): TemplateResult | typeof nothing {
  if (compareIn !== '') return nothing;
  const steps = series?.steps ?? [];
  const index = steps.indexOf(compare ?? Number.NaN);
  if (index < 0) return nothing;
  const at = index / Math.max(1, steps.length - 1);
  return html`<span class="event-marks" aria-hidden="true">
    <b class="side-mark on-line" style="left:${100 * at}%">A</b>
  </span>`;
}

function tooltip(events: readonly RunEvent[]): string {
  const lines = events
    .slice(0, TOOLTIP_LINES)
    .map(({ kind, text }) => `${EVENT_NAMES[kind]}: ${shorten(text, 120)}`);
  const rest = events.length - lines.length;
  const more = rest > 0 ? [`and ${plural(rest, 'event')} more`] : [];
  return [`Step ${count(events[0]?.step ?? 0)}`, ...lines, ...more].join('\n');
}
