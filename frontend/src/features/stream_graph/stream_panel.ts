// SPDX-License-Identifier: Apache-2.0
/** The panel of the stream graph: ribbons, marks of events, labels, and the same data as a table. */

import { html, nothing, svg, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { classAtlasOf, NOT_FOLLOWED } from '../../domain/class_atlas';
import { conceptColor } from '../../domain/concept_colors';
import { describeChange } from '../../domain/concept_history';
import {
  type EventMark,
  HEIGHT,
  middleOf,
  REST,
  type Ribbon,
  type Stream,
} from '../../domain/stream_layout';
import type { State } from '../../state/store';
import { EVENT_NAMES, eventGlyph } from '../../ui/event_glyphs';
import { iconButton } from '../../ui/icons';
import { panelHead } from '../../ui/panel_head';
import { segments } from '../../ui/segmented_control';
import { count, percent, plural, shorten } from '../../util/format';
import { type RunEvent, sameEvent } from '../../wire/series_history';

const NAME = 40;
const LABEL = 24;
const TABLE = 'M3 4h18v16H3zm2 5v3h6V9zm8 0v3h6V9zm-8 5v4h6v-4zm8 0v4h6v-4z';
/** Smallest distance of two labels, and of two marks, in the units of the layout and as a share of the width. */
const LABEL_GAP = 75;
const MARK_GAP = 90;
const MARK_SHARE = 0.02;
const MOST_ROWS = 200;

/** A ribbon in one column. */
export interface Pointed {
  readonly ribbon: Ribbon;
  readonly column: number;
}

export interface Panel {
  readonly state: State;
  /** Null if there is nothing to show. */
  readonly stream: Stream | null;
  readonly isGrouped: boolean;
  /** The column of the shown step. */
  readonly here: number;
  readonly hover: Pointed | null;
  readonly cursor: Ribbon | null;
  readonly isTable: boolean;
  hold(section: HTMLElement | null): void;
  close(): void;
  group(chosen: 'concepts' | 'groups'): void;
  toggleTable(): void;
  point(event: PointerEvent): void;
  leave(): void;
  press(event: MouseEvent): void;
  choose(ribbon: Ribbon): void;
  jump(event: RunEvent): void;
  type(event: KeyboardEvent): void;
}

/** "140 samples, 7.0% at step 200". */
export function describe({ columns }: Stream, { ribbon, column }: Pointed): string {
  const { samples = 1, step = 0 } = columns[column] ?? {};
  const size = ribbon.sizes[column] ?? 0;
  return `${plural(size, 'sample')}, ${percent(size / samples)} at step ${count(step)}`;
}

export function streamPanel(panel: Panel): TemplateResult {
  const { state, stream, isGrouped, isTable } = panel;
  const table = iconButton({
    icon: TABLE,
    name: 'As a table',
    pressed: isTable,
    press: panel.toggleTable,
  });
  return html`<section
    class="stream"
    aria-label="Concepts over the steps"
    ${ref((element) => panel.hold((element as HTMLElement) ?? null))}
  >
    <div class="stream-side">
      ${panelHead('Concepts over steps', 'Close the stream graph', 'g', panel.close, table)}
      ${
        state.history?.groups
          ? segments(
              'Ribbons',
              'stream-of',
              ['concepts', 'groups'],
              (one) => (one === 'groups' ? 'Groups' : 'Concepts'),
              isGrouped ? 'groups' : 'concepts',
              panel.group,
            )
          : nothing
      }
      ${stream ? summary(panel, stream) : nothing}
    </div>
    ${stream === null ? html`<p class="stream-none muted">${whyNone(state)}</p>` : isTable ? tableOf(panel, stream) : graph(panel, stream)}
  </section>`;
}

function whyNone({ history, historyFailure, atlas }: State): string | TemplateResult {
  if (atlas !== null && classAtlasOf(atlas) !== null) return NOT_FOLLOWED;
  if (history === null) return historyFailure?.message ?? 'Loading …';
  if (history.concepts !== null) return 'Only one step with concepts so far.';
  return html`Concepts were not tracked in this run. For an older log, run
    <code>tensorboard-atlas events LOGDIR</code>.`;
}

/** The shown step, and the ribbon that the keys have reached or that is highlighted. */
function summary({ state, here, cursor, isGrouped }: Panel, stream: Stream): TemplateResult {
  const lit = stream.ribbons.filter((one) => isHighlighted(one, state));
  const ribbon = cursor ?? (lit.length === 1 ? lit[0] : undefined);
  const alive = stream.ribbons.filter(({ id, sizes }) => id !== REST && sizes[here]).length;
  const step = stream.columns[here]?.step ?? 0;
  return html`<p class="muted">
      ${plural(alive, isGrouped ? 'group' : 'concept')} at step ${count(step)}.
      ${describeChange(state.history, step)}
    </p>
    ${ribbon ? factsOf(stream, { ribbon, column: here }, state.dark) : nothing}`;
}

function factsOf(stream: Stream, pointed: Pointed, dark: boolean): TemplateResult {
  const { id, name, first, last } = pointed.ribbon;
  const { columns } = stream;
  const step = (i: number) => count(columns[i]?.step ?? 0);
  const born = first > 0 ? `since step ${step(first)}` : '';
  const ended = last < columns.length - 1 ? `until step ${step(last)}` : '';
  return html`<div class="stream-facts">
    <strong><i style="background:${conceptColor(id, dark)}"></i>${shorten(name, NAME)}</strong>
    <span class="number">${describe(stream, pointed)}</span>
    <span class="muted">${[born, ended].filter(Boolean).join(', ')}</span>
  </div>`;
}

function isHighlighted({ concepts }: Ribbon, { highlight }: State): boolean {
  if (highlight === null || highlight.of) return false;
  const { event, ids } = highlight;
  return (event ? [...event.before, ...event.after] : ids).some((id) => concepts.has(id));
}

function graph(panel: Panel, stream: Stream): TemplateResult {
  const { state, hover, cursor, here } = panel;
  const { ribbons, columns, width } = stream;
  const lit = new Set(ribbons.filter((one) => isHighlighted(one, state)));
  const isLit = (id: number) => [...lit].some(({ concepts }) => concepts.has(id));
  const marks = stream.marks.filter(
    ({ event }) => lit.size === 0 || [...event.before, ...event.after].some(isLit),
  );
  const pointed = hover?.ribbon ?? cursor;
  const last = Math.max(1, (state.series?.steps.length ?? 1) - 1);
  const left = (at: number) => `left:${(100 * at) / last}%`;
  const at = state.series?.steps.indexOf(state.step ?? Number.NaN) ?? -1;
  return html`<div
    class="stream-plot ${lit.size > 0 ? 'trail' : ''}"
    tabindex="0"
    role="application"
    aria-roledescription="stream graph"
    aria-label="${plural(ribbons.length, 'ribbon')}, step ${count(columns[here]?.step ?? 0)}"
    aria-describedby="stream-hint"
    @pointermove=${panel.point}
    @pointerleave=${panel.leave}
    @click=${panel.press}
    @keydown=${panel.type}
  >
    <span id="stream-hint" class="hidden">
      Left and right arrows change the step, up and down arrows go from ribbon to ribbon, Enter
      highlights one. The button As a table shows the same sizes.
    </span>
    <svg viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
      ${ribbons.map(
        (one) =>
          svg`<path
            class="${lit.has(one) ? 'lit' : ''} ${one === pointed ? 'pointed' : ''}"
            data-id=${one.id}
            fill=${conceptColor(one.id, state.dark)}
            d=${one.path}
          />`,
      )}
    </svg>
    ${at < 0 ? nothing : html`<i class="stream-now" style=${left(at)}></i>`}
    <div aria-hidden="true">
      ${thinOut(marks, last).map(
        ({ event, at, y }) => html`<button
          type="button"
          tabindex="-1"
          class="stream-mark ${sameEvent(event, state.highlight?.event) ? 'chosen' : ''}"
          style="${left(at)};top:${y / (HEIGHT / 100)}%"
          title="${EVENT_NAMES[event.kind]}: ${shorten(event.text, 120)}"
          @click=${(click: Event) => {
            click.stopPropagation();
            panel.jump(event);
          }}
        >
          ${eventGlyph(event.kind)}
        </button>`,
      )}
      ${placeNames(stream, lit).map(
        ([one, y]) =>
          html`<span class="stream-label ${lit.has(one) ? 'lit' : ''}" style="top:${y / (HEIGHT / 100)}%">${shorten(one.name, LABEL)}</span>`,
      )}
      ${
        hover
          ? html`<div
              class="stream-tip panel"
              style="${left(columns[hover.column]?.at ?? 0)};--share:${(columns[hover.column]?.at ?? 0) / last}"
            >
              ${factsOf(stream, hover, state.dark)}
            </div>`
          : nothing
      }
    </div>
  </div>`;
}

/** The most significant marks, none too near to another. */
function thinOut(marks: readonly EventMark[], last: number): EventMark[] {
  const kept: EventMark[] = [];
  for (const mark of marks) {
    const isFree = ({ at, y }: EventMark) =>
      Math.abs(at - mark.at) / last > MARK_SHARE || Math.abs(y - mark.y) > MARK_GAP;
    if (kept.every(isFree)) kept.push(mark);
  }
  return kept;
}

/** Highlighted and large ribbons of the last column with the places of their names. */
function placeNames(
  { ribbons, columns }: Stream,
  lit: ReadonlySet<Ribbon>,
): (readonly [Ribbon, number])[] {
  const i = columns.length - 1;
  const size = ({ sizes }: Ribbon) => sizes[i] ?? 0;
  const kept: (readonly [Ribbon, number])[] = [];
  const first = (one: Ribbon) => Number(lit.has(one));
  const sorted = ribbons.filter(size).sort((a, b) => first(b) - first(a) || size(b) - size(a));
  for (const one of sorted) {
    const y = middleOf(one, i);
    if (kept.every(([, other]) => Math.abs(other - y) >= LABEL_GAP)) kept.push([one, y]);
  }
  return kept;
}

function tableOf({ state, here, isGrouped, choose }: Panel, stream: Stream): TemplateResult {
  const { columns, ribbons } = stream;
  const end = columns.length - 1;
  const shown = [...new Set([0, here, end])];
  const step = (i: number) => count(columns[i]?.step ?? 0);
  const size = (one: Ribbon) => one.sizes[here] ?? 0;
  const rows = ribbons.toSorted((a, b) => size(b) - size(a)).slice(0, MOST_ROWS);
  return html`<div class="stream-table" tabindex="0" role="region" aria-label="Sizes of all ribbons">
    <table>
      <thead>
        <tr>
          <th scope="col">${isGrouped ? 'Group' : 'Concept'}</th>
          ${shown.map((i) => html`<th scope="col">Samples at step ${step(i)}</th>`)}
          <th scope="col">First step</th>
          <th scope="col">Ended at step</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (one) => html`<tr>
            <th scope="row">
              ${
                one.id === REST
                  ? one.name
                  : html`<button
                      type="button"
                      class="link"
                      aria-pressed=${isHighlighted(one, state)}
                      @click=${() => choose(one)}
                    >
                      ${shorten(one.name, NAME)}
                    </button>`
              }
            </th>
            ${shown.map(
              (i) => html`<td>
                ${
                  one.sizes[i]
                    ? html`${count(one.sizes[i])}
                        <span class="muted">${percent(one.sizes[i] / (columns[i]?.samples ?? 1))}</span>`
                    : '–'
                }
              </td>`,
            )}
            <td>${step(one.first)}</td>
            <td>${one.last < end ? step(one.last + 1) : '–'}</td>
          </tr>`,
        )}
      </tbody>
    </table>
    ${
      rows.length < ribbons.length
        ? html`<p class="muted">and ${count(ribbons.length - rows.length)} smaller ones</p>`
        : nothing
    }
  </div>`;
}
