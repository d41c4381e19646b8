// SPDX-License-Identifier: Apache-2.0
/** The timeline: play button, slider with one tick per logged step, and the steps that TensorBoard kept. */

import { html, nothing, type TemplateResult } from 'lit';
import { chooseA } from '../../state/comparison_actions';
import type { Player } from '../../state/player';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { iconButton } from '../../ui/icons';
import { count, plural, shorten } from '../../util/format';
import type { PageInfo } from '../../wire/exported_page';
import type { HistoryStep, SkippedStep } from '../../wire/series_history';
import { motionChoice } from './motion_choice';

/** Ticks closer than they are wide would be a bar; beyond this many only damaged ones are drawn. */
const MOST_TICKS = 400;

const WHY_SKIPPED: Readonly<Record<string, string>> = {
  busy: 'the queue was full',
  budget: 'the time budget was used up',
  failed: 'it failed; see the output of the run',
};

export function timeline(
  state: State,
  session: Session,
  player: Player,
  marks: unknown = nothing,
): TemplateResult {
  const steps = state.series?.steps ?? [];
  const at = steps.indexOf(state.step ?? Number.NaN);
  const single = steps.length < 2;
  return html`<footer class="bar" aria-label="Steps">
    <span class="transport">
      ${iconButton({
        icon: 'previous',
        name: 'Previous step',
        key: ',',
        disabled: at <= 0,
        press: () => player.stepBy(-1),
      })}
      ${iconButton({
        icon: state.playing ? 'pause' : 'play',
        name: state.playing ? 'Pause' : 'Play the steps',
        key: 'Space',
        extra: 'play',
        disabled: single,
        press: () => player.toggle(),
      })}
      ${iconButton({
        icon: 'next',
        name: 'Next step',
        key: '.',
        disabled: at < 0 || at === steps.length - 1,
        press: () => player.stepBy(1),
      })}
    </span>
    ${motionChoice(state, session)}
    ${slider(state, session, steps, at, marks)}
    ${moment(state, steps, at)}
    ${note(state, steps, at)}
    ${state.freshSteps > 0 ? freshPill(state.freshSteps, session) : nothing}
  </footer>`;
}

function slider(
  { history, step }: State,
  session: Session,
  steps: readonly number[],
  at: number,
  marks: unknown,
): TemplateResult {
  const last = Math.max(1, steps.length - 1);
  const place = (index: number) => (100 * index) / last;
  const reason = step === null ? null : (history?.steps.get(step)?.reason ?? null);
  return html`<span class="slider">
    <span class="track">
      <div class="done" style="width:${at < 0 ? 0 : place(at)}%"></div>
      ${steps.map((one, index) => {
        const bad = (history?.steps.get(one)?.status ?? 'ok') !== 'ok';
        if (!bad && steps.length > MOST_TICKS) return nothing;
        const kind = bad ? 'bad' : index <= at ? 'passed' : '';
        return html`<i class="tick ${kind}" data-step=${one} style="left:${place(index)}%"></i>`;
      })}
      ${(history?.skipped ?? []).slice(0, MOST_TICKS).map((one) => {
        const between = Math.min(last, Math.max(0, indexAbove(steps, one.step) - 0.5));
        return html`<i
          class="tick skipped"
          data-step=${one.step}
          title=${sentence(one)}
          style="left:${place(between)}%"
        ></i>`;
      })}
    </span>
    <input
      type="range"
      aria-label="Step"
      min="0"
      max=${last}
      step="1"
      .value=${String(Math.max(0, at))}
      ?disabled=${steps.length < 2}
      aria-valuetext=${step === null ? 'no step' : `step ${step}, ${at + 1} of ${steps.length}`}
      title=${reason ?? ''}
      @pointerdown=${(event: PointerEvent) => {
        if (event.shiftKey) chooseA(session, stepUnder(event, steps));
      }}
      @input=${(event: Event) => {
        const chosen = steps[Number((event.target as HTMLInputElement).value)];
        if (chosen !== undefined) session.chooseStep(chosen);
      }}
    />
    ${marks}
  </span>`;
}

/** Half the width of the slider's thumb, which its line leaves free at both ends, in CSS pixels. */
const THUMB = 8;

/** The step that a pointer means; the slider itself stays where it is. */
function stepUnder(event: PointerEvent, steps: readonly number[]): number | null {
  event.preventDefault();
  const { left, width } = (event.currentTarget as HTMLElement).getBoundingClientRect();
  const share = (event.clientX - left - THUMB) / Math.max(1, width - 2 * THUMB);
  return steps[Math.round(Math.min(1, Math.max(0, share)) * (steps.length - 1))] ?? null;
}

function moment({ step, series }: State, steps: readonly number[], at: number): TemplateResult {
  if (step === null || series === null) return html`<span class="moment"></span>`;
  const time = series.wallTimes[at];
  const when = time === undefined ? '' : ` · ${clock(time)}`;
  return html`<span class="moment">
    <strong>Step ${count(step)}</strong><br />
    <span class="muted">${at + 1} of ${steps.length}${when}</span>
  </span>`;
}

function clock(seconds: number): string {
  const date = new Date(1000 * seconds);
  // Missing and invalid values are 0.
  if (!(seconds > 0 && date.getTime() > 0)) return 'time unknown';
  return date.toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
}

/** How many lines a tooltip may have. */
const TOOLTIP_LINES = 20;

/** Returns how many of the sorted `steps` are below `step`. */
function indexAbove(steps: readonly number[], step: number): number {
  const index = steps.findIndex((one) => one > step);
  return index < 0 ? steps.length : index;
}

function sentence({ step, reason }: SkippedStep): string {
  return `Step ${count(step)} was skipped: ${WHY_SKIPPED[reason] ?? shorten(reason, 60)}`;
}

function note(
  { history, source }: State,
  shown: readonly number[],
  at: number,
): TemplateResult | typeof nothing {
  if (source.kind === 'page') return pageNote(source);
  if (history === null) return nothing;
  const { logged, kept, skipped } = history;
  const steps = [...history.steps.values()];
  const damaged = steps.filter(({ status }) => status === 'damaged');
  const newer = steps.filter(({ status }) => status === 'too_new');
  if (logged <= kept && damaged.length + newer.length + skipped.length === 0) return nothing;
  return html`<span class="note">
    ${
      logged > kept
        ? html`${count(kept)} of ${count(logged)} logged steps kept${keptEnds(steps)}; restart
            TensorBoard with <code>--atlas_samples=${logged}</code> to keep all.`
        : nothing
    }
    ${remark(damaged, 'damaged step')} ${remark(newer, 'step', ' from a newer version')}
    ${skippedNote(skipped, shown, at)}
  </span>`;
}

/** When the page was exported, and what it lacks. */
function pageNote({ exported, omitted }: PageInfo): TemplateResult {
  const date = new Date(exported);
  const when = Number.isNaN(date.getTime()) ? '' : ` ${date.toLocaleDateString('en-US', DAY)}`;
  return html`<span class="note" title=${omitted.join('\n')}>
    Exported${when}.${omitted.length === 0 ? '' : ` ${omitted[0]}`}
    ${omitted.length > 1 ? html`<span class="muted">+ ${omitted.length - 1} more</span>` : nothing}
  </span>`;
}

const DAY = { year: 'numeric', month: 'short', day: 'numeric' } as const;

/** Says whether the first logged step is there; TensorBoard always keeps the last one. */
function keptEnds(steps: readonly HistoryStep[]): string {
  const sound = steps.findIndex(({ sequence }) => sequence !== null);
  const [first, sequence] = [steps[0]?.step, steps[sound]?.sequence];
  if (first === undefined || sequence == null) return '';
  const removed = sequence - 1 - sound;
  return removed <= 0
    ? ', including the first and the last'
    : `, without the first ${count(removed)}, before step ${count(first)}`;
}

/** Reports the skipped step next to the current one, or the number of all skipped steps. */
function skippedNote(
  skipped: readonly SkippedStep[],
  shown: readonly number[],
  at: number,
): TemplateResult | typeof nothing {
  if (skipped.length === 0) return nothing;
  const near = skipped.find(({ step }) => [at, at + 1].includes(indexAbove(shown, step)));
  const lines = skipped.slice(0, TOOLTIP_LINES).map(sentence);
  return html`<span title=${lines.join('\n')}
    >${near === undefined ? `${plural(skipped.length, 'step')} skipped` : sentence(near)}.</span
  >`;
}

function remark(
  steps: readonly { readonly step: number; readonly reason: string | null }[],
  noun: string,
  rest = '',
): TemplateResult | typeof nothing {
  if (steps.length === 0) return nothing;
  const lines = steps
    .slice(0, TOOLTIP_LINES)
    .map(({ step, reason }) => `step ${count(step)}: ${shorten(reason ?? 'no reason given', 200)}`);
  return html`<span class="bad" title=${lines.join('\n')}
    >${plural(steps.length, noun)}${rest}.</span
  >`;
}

function freshPill(fresh: number, session: Session): TemplateResult {
  return html`<button type="button" class="pill" @click=${() => session.acceptFreshSteps()}>
    ${plural(fresh, 'new step')}
  </button>`;
}
