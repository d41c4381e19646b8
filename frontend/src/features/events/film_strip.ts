// SPDX-License-Identifier: Apache-2.0
/** A concept as a row of icons, one per step, over the curves of its size and purity. */

import { html, nothing, svg, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { classAtlasOf } from '../../domain/class_atlas';
import { eventsOf, type Frame, frameOf, sparklinePath } from '../../domain/concept_history';
import { type Concept, conceptsIn } from '../../domain/concepts';
import { type CellPlace, samePlace } from '../../domain/display_types';
import type { AtlasMap } from '../../map/atlas_map';
import { flyToCell } from '../../state/go_to_event';
import type { Session } from '../../state/session';
import { type DriftValues, StepSeriesLoader, spread } from '../../state/step_values_loader';
import type { State } from '../../state/store';
import type { CellContext } from '../../ui/cell_view';
import { EVENT_NAMES, eventGlyph } from '../../ui/event_glyphs';
import { count, percent, plural, shorten } from '../../util/format';
import { Failure } from '../../wire/api';
import { className } from '../../wire/atlas';
import type { RunEvent } from '../../wire/series_history';
import { conceptIcon, type KnownFrame } from './concept_icon';

/** Maximum number of steps in the strip. */
const FRAMES = 24;
/** Width of a frame and height of the lines in CSS pixels; the styles say the same. */
const WIDTH = 60;
const LINES = 44;
const NAME = 40;

export class FilmStrip {
  readonly #reader: StepSeriesLoader<Frame>;
  /** The concept that a frame has led to: its cell may hold more of another one. */
  #through: { readonly place: CellPlace; readonly id: number } | null = null;
  #strip: HTMLElement | null = null;
  #scrolledTo = '';

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
  ) {
    this.#reader = new StepSeriesLoader(session, update);
  }

  /** A section of the inspector. */
  render({ state, atlas, level, facts }: CellContext): TemplateResult | typeof nothing {
    const { series, highlight, history } = state;
    if (series === null || series.steps.length < 2 || classAtlasOf(atlas) !== null) return nothing;
    const list = conceptsIn(atlas, level, facts.cell) ?? [];
    const lit = highlight?.of || highlight?.event ? undefined : highlight?.ids[0];
    const through = samePlace(this.#through?.place ?? null, facts) ? this.#through?.id : undefined;
    const one = (id?: number) => list.find(({ concept }) => concept.id === id);
    const concept = (one(lit) ?? one(through) ?? list[0])?.concept;
    if (concept === undefined) return nothing;
    const events = eventsOf(history?.events ?? [], concept.id);
    const steps = spread(series.steps, FRAMES, [atlas.step, ...events.keys()].slice(0, FRAMES / 2));
    const known = this.#reader.read(
      `${concept.id}/${level.size}`,
      series,
      state.playing ? [] : steps,
      (other) => frameOf(other, level.size, concept.id),
    );
    return this.#section(state, concept, steps, known, events, (index) => className(atlas, index));
  }

  #section(
    state: State,
    { id, name }: Concept,
    steps: readonly number[],
    known: DriftValues<Frame>,
    events: ReadonlyMap<number, RunEvent[]>,
    nameOf: (index: number) => string,
  ): TemplateResult {
    const all = state.series?.steps.length ?? 0;
    const some = steps.length < all ? `${count(steps.length)} of ${count(all)} steps` : '';
    const frames = steps.map((step) => known.get(step));
    const seen = this.#inView();
    queueMicrotask(() => this.#reveal());
    return html`<section class="film" aria-label="Film strip of ${shorten(name, NAME)}">
      <h3>${shorten(name, NAME)} <span class="muted">${some || 'over the steps'}</span></h3>
      <div class="film-scroll" ${ref(this.#hold)} @scroll=${this.update}>
        <ol style="width:${WIDTH * steps.length}px">
          ${steps.map((step, i) =>
            this.#frame(state, step, frames[i], {
              id,
              events: events.get(step) ?? [],
              seen: i >= seen[0] && i < seen[1],
              nameOf,
            }),
          )}
        </ol>
        ${lines(frames)}
      </div>
      ${key(frames)}
    </section>`;
  }

  #frame(
    state: State,
    step: number,
    frame: KnownFrame,
    about: {
      readonly id: number;
      readonly events: readonly RunEvent[];
      readonly seen: boolean;
      readonly nameOf: (index: number) => string;
    },
  ): TemplateResult {
    const { id, events, seen, nameOf } = about;
    const sentence = frameSentence(frame, nameOf);
    const marks = events.map(({ kind }) => EVENT_NAMES[kind]).join(', ');
    const place = frame instanceof Failure ? null : (frame?.place ?? null);
    return html`<li>
      <button
        type="button"
        class="frame"
        aria-current=${step === state.step ? 'step' : nothing}
        aria-label="Step ${count(step)}: ${[sentence, marks].filter(Boolean).join(', ')}"
        title=${[sentence, ...events.map(({ text }) => shorten(text, 120))].join('\n')}
        @click=${() => this.#go(step, place, id)}
      >
        <span class="marks">${events.slice(0, 3).map(({ kind }) => eventGlyph(kind))}</span>
        ${conceptIcon(frame, seen, this.session)}
        <span class="number">${shorten(count(step), 9)}</span>
      </button>
    </li>`;
  }

  /** Goes to the step, and to the cell that holds most of the concept there. */
  #go(step: number, place: CellPlace | null, id: number): void {
    this.session.store.set({ playing: false });
    this.session.chooseStep(step);
    if (place === null) return;
    this.#through = { place, id };
    flyToCell(place, this.session, this.map);
  }

  /** The first frame in view and the first behind it; none before the strip is laid out. */
  #inView(): readonly [number, number] {
    const { scrollLeft = 0, clientWidth = 0 } = this.#strip ?? {};
    return [Math.floor(scrollLeft / WIDTH), Math.ceil((scrollLeft + clientWidth) / WIDTH)];
  }

  readonly #hold = (element: Element | undefined): void => {
    this.#strip = (element as HTMLElement | undefined) ?? null;
    this.#scrolledTo = '';
  };

  /** Brings the shown step into view, once for each. */
  #reveal(): void {
    const strip = this.#strip;
    const { step, series } = this.session.store.state;
    const shown = strip?.querySelector<HTMLElement>('[aria-current]')?.parentElement;
    const key = `${series?.id}/${step}`;
    if (!strip || !shown || key === this.#scrolledTo) return;
    this.#scrolledTo = key;
    const at = shown.offsetLeft;
    if (at < strip.scrollLeft || at + WIDTH > strip.scrollLeft + strip.clientWidth) {
      strip.scrollLeft = at - (strip.clientWidth - WIDTH) / 2;
    }
    this.update();
  }
}

/** "210 samples, cat 94%". */
function frameSentence(frame: KnownFrame, nameOf: (index: number) => string): string {
  if (frame === undefined) return 'not loaded yet';
  if (frame instanceof Failure) return shorten(frame.message, 120);
  const { samples, topClass, topShare } = frame;
  if (samples === null) return 'concepts were not tracked';
  if (samples === 0) return 'no samples';
  const top = topClass === null ? '' : `, ${shorten(nameOf(topClass), NAME)} ${percent(topShare)}`;
  return plural(samples, 'sample') + top;
}

function samplesOf(frames: readonly KnownFrame[]): (number | null)[] {
  return frames.map((one) => (one === undefined || one instanceof Failure ? null : one.samples));
}

function sharesOf(frames: readonly KnownFrame[]): (number | null)[] {
  return frames.map((one) =>
    one === undefined || one instanceof Failure || !one.samples || one.topClass === null
      ? null
      : one.topShare,
  );
}

function lines(frames: readonly KnownFrame[]): TemplateResult {
  const samples = samplesOf(frames);
  const most = Math.max(1, ...samples.map((one) => one ?? 0));
  const inner = LINES - 6;
  return html`<svg
    class="film-lines"
    width=${WIDTH * frames.length}
    height=${LINES}
    viewBox="0 -3 ${WIDTH * frames.length} ${LINES}"
    aria-hidden="true"
  >
    ${svg`<path d=${sparklinePath(samples, most, WIDTH, inner)} />
      <path class="share" d=${sparklinePath(sharesOf(frames), 1, WIDTH, inner)} />`}
  </svg>`;
}

/** Which line is which, and where each ends at the top. */
function key(frames: readonly KnownFrame[]): TemplateResult {
  const most = Math.max(0, ...samplesOf(frames).map((one) => one ?? 0));
  return html`<p class="film-key muted">
    <span><i></i>samples, at most ${count(most)}</span>
    <span><i class="share"></i>share of its top class</span>
  </p>`;
}
