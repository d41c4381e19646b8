// SPDX-License-Identifier: Apache-2.0
/** The list of events of the run. */

import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { classAtlasOf, NOT_FOLLOWED } from '../../domain/class_atlas';
import { describeChange, type Frame, frameOf } from '../../domain/concept_history';
import type { AtlasMap } from '../../map/atlas_map';
import { isKept, jumpTo, type Side, showSide, sideOf } from '../../state/go_to_event';
import type { Session } from '../../state/session';
import { type DriftValues, StepSeriesLoader } from '../../state/step_values_loader';
import type { State } from '../../state/store';
import { EVENT_NAMES, eventGlyph } from '../../ui/event_glyphs';
import { moveFocus } from '../../ui/list_focus';
import { panelHead } from '../../ui/panel_head';
import { segments } from '../../ui/segmented_control';
import { count, fraction, plural, shorten } from '../../util/format';
import { Failure } from '../../wire/api';
import { type History, type RunEvent, sameEvent } from '../../wire/series_history';
import { conceptIcon } from './concept_icon';

/** Number of events listed at first; the rest on request. */
const FIRST_EVENTS = 60;
const SENTENCE = 240;

const ORDERS = { rank: 'Most significant', time: 'By step' } as const;
type Order = keyof typeof ORDERS;

const FILTERS = { concepts: 'Concepts', predictions: 'Predictions', all: 'All' } as const;
type Filter = keyof typeof FILTERS;

/** Icons on each side of an event. */
const MOST_ICONS = 3;
const SURE_FROM = 0.75;

/** Icons of concepts, by step and id. */
type Frames = DriftValues<ReadonlyMap<number, Frame>>;

export class EventList {
  #order: Order = 'rank';
  #filter: Filter = 'concepts';
  #whole = false;
  /** Indices of the items in view. */
  readonly #visible = new Set<number>();
  readonly #observer = new IntersectionObserver((entries) => this.#see(entries));
  readonly #frames: StepSeriesLoader<ReadonlyMap<number, Frame>>;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
  ) {
    this.#frames = new StepSeriesLoader(session, update);
  }

  render(state: State): TemplateResult | typeof nothing {
    if (!state.eventList) return nothing;
    const close = () => this.session.store.set({ eventList: false });
    return html`<aside class="events" aria-label="Events of this run">
      ${panelHead('Events', 'Close the events', 'j', close)}
      ${this.#body(state)}
    </aside>`;
  }

  #body(state: State): TemplateResult {
    const { history, historyFailure, atlas } = state;
    if (atlas !== null && classAtlasOf(atlas) !== null) return noEvents(NOT_FOLLOWED);
    if (history === null) return historyFailure ? unread(historyFailure, this.session) : READING;
    const { events: all, eventsFound } = history;
    if (all === null) return renderMissing();
    if (all.length === 0) return noEvents(whyNone(history));
    const isFiltered = hasBothKinds(all);
    const events = isFiltered ? all.filter((event) => isListed(event, this.#filter)) : all;
    const ordered = this.#order === 'rank' ? events : events.toSorted((a, b) => a.step - b.step);
    const shown = this.#whole ? ordered : ordered.slice(0, FIRST_EVENTS);
    const frames = this.#load(state, shown, events);
    const change = describeChange(history, state.step);
    return html`${this.#head(events.length, events.length < all.length ? 0 : eventsFound)}
      ${isFiltered ? this.#filters() : nothing}
      ${change && html`<p class="muted">At step ${count(state.step ?? 0)}, ${change}</p>`}
      <ol class="event-items" @keydown=${moveFocus}>
        ${shown.map((event, i) => this.#item(state, event, i, frames))}
      </ol>
      ${
        shown.length < ordered.length
          ? html`<button type="button" class="button" @click=${() => this.#showAll()}>
              Show all ${count(ordered.length)}
            </button>`
          : nothing
      }`;
  }

  #head(listed: number, found: number): TemplateResult {
    return html`<div class="events-head">
      <span class="muted"
        >${found > listed ? `${count(listed)} of ${count(found)} events` : plural(listed, 'event')}</span
      >
      ${segments(
        'Order of the events',
        'event-order',
        Object.keys(ORDERS) as Order[],
        (order) => ORDERS[order],
        this.#order,
        (order) => this.#sort(order),
      )}
    </div>`;
  }

  #filters(): TemplateResult {
    return segments(
      'Kind of the events',
      'event-filter',
      Object.keys(FILTERS) as Filter[],
      (filter) => FILTERS[filter],
      this.#filter,
      (filter) => {
        this.#filter = filter;
        this.update();
      },
    );
  }

  #item(state: State, event: RunEvent, i: number, frames: Frames): TemplateResult {
    const chosen = sameEvent(event, state.highlight?.event);
    return html`<li
      class=${chosen ? 'chosen' : ''}
      data-kind=${event.kind}
      data-index=${i}
      ${ref(this.#watch)}
    >
      <button
        type="button"
        class="event"
        aria-pressed=${chosen}
        @click=${() => jumpTo(event, this.session, this.map)}
      >
        <span class="event-head">
          ${eventGlyph(event.kind)}
          <strong>${EVENT_NAMES[event.kind]}</strong>
          <span class="number"
            >${event.samples === null || event.classes ? '' : `${plural(event.samples, 'sample')} · `}step
            ${count(event.step)}</span
          >
        </span>
        <span class="event-text">${shorten(event.text, SENTENCE)}</span>
        ${this.#icons(event, this.#visible.has(i), frames)}
        <span class="event-foot muted">
          <span class="confidence"><i style="width:${confidence(event)}%"></i></span>
          <span>confidence ${fraction(event.confidence)}${isSure(event) ? sure(event) : nothing}</span>
        </span>
      </button>
      ${chosen ? this.#sides(state, event) : nothing}
    </li>`;
  }

  /** The icons of its concepts before and after the event. */
  #icons(event: RunEvent, isSeen: boolean, frames: Frames): TemplateResult | typeof nothing {
    if (event.before.length + event.after.length === 0) return nothing;
    const icons = (ids: readonly number[], step: number) => {
      const frame = frames.get(step);
      return ids
        .slice(0, MOST_ICONS)
        .map((id) =>
          conceptIcon(frame instanceof Failure ? frame : frame?.get(id), isSeen, this.session),
        );
    };
    return html`<span class="event-icons" aria-hidden="true">
      ${icons(event.before, event.beforeStep)}
      ${event.before.length * event.after.length > 0 ? html`<span class="muted">→</span>` : nothing}
      ${icons(event.after, event.step)}
    </span>`;
  }

  /** Loads the steps of the events in view, one after the other. */
  #load(state: State, shown: readonly RunEvent[], events: readonly RunEvent[]): Frames {
    const { series, shownLevel, playing } = state;
    if (series === null || shownLevel === null) return new Map();
    const visible = shown.filter((_, i) => this.#visible.has(i));
    const steps = visible.flatMap(({ beforeStep, step }) => [beforeStep, step]);
    const wanted = playing ? [] : steps.filter((step) => series.steps.includes(step));
    return this.#frames.read(`${shownLevel}`, series, wanted, (atlas) => {
      const ids = events.flatMap(({ step, beforeStep, before, after }) => [
        ...(step === atlas.step ? after.slice(0, MOST_ICONS) : []),
        ...(beforeStep === atlas.step ? before.slice(0, MOST_ICONS) : []),
      ]);
      return new Map([...new Set(ids)].map((id) => [id, frameOf(atlas, shownLevel, id)]));
    });
  }

  readonly #watch = (element: Element | undefined): void => {
    if (element) this.#observer.observe(element);
  };

  #see(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const i = Number((target as HTMLElement).dataset.index);
      if (isIntersecting) this.#visible.add(i);
      else this.#visible.delete(i);
    }
    this.update();
  }

  #sides(state: State, event: RunEvent): TemplateResult {
    const shown = sideOf(event, state.step);
    const button = (side: Side, step: number) => {
      const kept = isKept(state, event, side);
      return html`<button
        type="button"
        class="button"
        aria-pressed=${shown === side}
        ?disabled=${!kept}
        title=${kept ? '' : 'This step was not kept.'}
        @click=${() => showSide(event, side, this.session)}
      >
        ${side === 'before' ? 'Before' : 'After'} <span class="muted">${count(step)}</span>
      </button>`;
    };
    return html`<div class="sides" role="group" aria-label="Before and after the event">
      ${button('before', event.beforeStep)} ${button('after', event.step)}
    </div>`;
  }

  #sort(order: Order): void {
    this.#order = order;
    this.update();
  }

  #showAll(): void {
    this.#whole = true;
    this.update();
  }
}

/** Logs of earlier versions, which do not count the samples, have another confidence. */
function isSure({ confidence: value, samples }: RunEvent): boolean {
  return samples !== null && value >= SURE_FROM;
}

function sure({ classes }: RunEvent): TemplateResult {
  const found = `Confirmed by at least 15 of 20 random halves of the ${classes ? 'images' : 'samples'}`;
  return html`, <span class="sure" title=${found}>sure</span>`;
}

function hasBothKinds(events: readonly RunEvent[]): boolean {
  return events.some(({ classes }) => classes) && events.some(({ classes }) => !classes);
}

function isListed({ classes }: RunEvent, filter: Filter): boolean {
  return filter === 'all' || (filter === 'predictions') === (classes !== null);
}

function confidence({ confidence: value }: RunEvent): number {
  return 100 * Math.min(1, Math.max(0, value));
}

function noEvents(reason: string): TemplateResult {
  return html`<div class="no-events">
    <p><strong>No events.</strong></p>
    <p class="muted">${reason}</p>
  </div>`;
}

const READING = html`<p class="muted">Loading events …</p>`;

function unread({ message }: Failure, session: Session): TemplateResult {
  return html`<p><strong>Events cannot be loaded.</strong></p>
    <p class="muted">${message}</p>
    <button type="button" class="button" @click=${() => session.retry()}>Try again</button>`;
}

function whyNone({ kept }: History): string {
  return kept < 2
    ? 'Events compare two steps, and there is only one so far.'
    : `No concept was born, merged, split, or ended between the ${count(kept)} steps.`;
}

function renderMissing(): TemplateResult {
  return html`<div class="no-events">
    <p><strong>Events were not recorded in this run.</strong></p>
    <p class="muted">
      This version records events automatically. For an older log, run
      <code>tensorboard-atlas events LOGDIR</code>.
    </p>
  </div>`;
}
