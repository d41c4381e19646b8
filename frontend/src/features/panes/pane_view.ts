// SPDX-License-Identifier: Apache-2.0
/** The views around the map of a pane: choices above, highlighted cells below, and why it is not linked. */

import { html, nothing, type TemplateResult } from 'lit';
import { formatCell } from '../../domain/cell_stats';
import { shareProbe } from '../../domain/comparison/sample_matching';
import { folderOf } from '../../domain/series/relayout_runs';
import { findSeries } from '../../domain/series/series_lookup';
import { mapButtons } from '../../map/map_buttons';
import type { State } from '../../state/store';
import { stepState } from '../../ui/empty_states';
import { iconButton } from '../../ui/icons';
import { layerOptions } from '../../ui/layer_options';
import { type Option, picker } from '../../ui/picker';
import { provenance } from '../../ui/provenance';
import { count } from '../../util/format';
import { describeLinkedCells, type LinkedHighlight, type View } from './linked_highlight';
import type { Pane, PaneHost } from './pane';
import type { Slot } from './pane_slots';

const MOST_DIFFERENCES = 6;

export interface PaneParts {
  readonly pane: Pane;
  readonly number: number;
  readonly slot: Slot | undefined;
  readonly host: PaneHost;
  readonly links: LinkedHighlight;
}

/** Around the map that is always there. */
export function firstPane(
  view: View,
  slot: Slot | undefined,
  links: LinkedHighlight,
): TemplateResult {
  const { session } = view;
  const { state } = session.store;
  const steps = (state.series?.steps ?? []).map(stepOption);
  return html`<section class="pane first" aria-label="Pane 1" style=${styleOf(slot)}>
    <div class="pane-bar unlabeled">
      <b class="side-mark">1</b>
      ${choices(1, state, steps, String(state.step), {
        run: (id) => session.chooseRun(id),
        layer: (id) => session.chooseSeries(id),
        step: (step) => session.chooseStep(Number(step)),
      })}
    </div>
    ${caption(view, links, `Point at a cell to highlight its samples in the other panes${origin(view)}`)}
  </section>`;
}

export function paneView({ pane, number, slot, host, links }: PaneParts): TemplateResult {
  const { state, session, spec } = pane;
  const first = host.main.store.state;
  const { stepFailure, step } = state;
  const steps = [
    { value: '', label: `As pane 1 (${count(state.step ?? 0)})` },
    ...(state.series?.steps ?? []).map(stepOption),
  ];
  return html`<section class="pane" aria-label="Pane ${number}" style=${styleOf(slot)}>
    <div class="pane-bar unlabeled">
      <b class="side-mark">${number}</b>
      ${choices(number, state, steps, String(spec?.step ?? ''), {
        run: (id) => {
          const run = host.main.latestRuns.find((one) => one.id === id);
          const series = run && findSeries(run, spec?.series.layer ?? null);
          // Another run has other steps.
          const own = run?.id === first.run?.id ? null : (series?.steps.at(-1) ?? null);
          if (run && series) host.choose(pane, { run, series, step: own });
        },
        layer: (id) => {
          const series = spec?.run.series.find((one) => one.id === id);
          if (series) host.choose(pane, { series });
        },
        step: (one) => host.choose(pane, { step: one === '' ? null : Number(one) }),
      })}
      ${iconButton({ icon: 'close', name: `Close pane ${number}`, key: 'w', press: () => host.close(pane) })}
    </div>
    <div class="pane-map">
      ${pane.map} ${stepFailure ? stepState(step, stepFailure, () => session.retry()) : nothing}
      ${renderLinkWarning(pane, host, links)} ${pane.isComparable ? nothing : mapButtons(pane.map)}
    </div>
    ${caption(pane, links, ownWords(pane))}
  </section>`;
}

/** The note that explains which controls act on which panes. */
export function paneNote(): TemplateResult {
  return html`<p class="pane-note muted">
    Filter, inspector, and timeline act on pane 1; color, grid, and visibility act on all. Play and
    the step keys also move panes that are set to “as pane 1”.
  </p>`;
}

interface Choose {
  readonly run: (id: string) => void;
  readonly layer: (id: string) => void;
  readonly step: (step: string) => void;
}

function choices(
  number: number,
  state: State,
  steps: readonly Option[],
  step: string,
  choose: Choose,
): TemplateResult {
  const runs = state.runs
    .filter(({ series }) => series.length > 0)
    .map(({ id, run }) => ({ value: id, label: folderOf(run) || '(log directory)' }));
  const pick = (what: keyof Choose, options: readonly Option[], value: string) =>
    picker(
      `pane-${number}-${what}`,
      `${what[0]?.toUpperCase()}${what.slice(1)} of pane ${number}`,
      options,
      value,
      choose[what],
    );
  return html`${pick('run', runs, state.run?.id ?? '')}
  ${pick('layer', layerOptions(state), state.series?.id ?? '')} ${pick('step', steps, step)}`;
}

function stepOption(step: number): Option {
  return { value: String(step), label: `Step ${count(step)}` };
}

function styleOf(slot: Slot | undefined): string {
  if (slot === undefined) return '';
  const { left, top, width, height } = slot;
  return `left:${left}px;top:${top}px;width:${width}px;height:${height}px`;
}

/** The cell under the cursor, the cells that it highlights here, or a note about the map. */
function caption(view: View, links: LinkedHighlight, otherwise: string): TemplateResult {
  const { source } = links;
  const { state } = view.session.store;
  const linked = links.linkedCellsIn(view, source);
  const own = source?.view.map === view.map && formatCell(state.atlas, state.hover ?? state.pinned);
  const words = linked ? describeLinkedCells(linked, view) : own || otherwise;
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  const lit = linked !== null && 'shares' in linked;
  return html`<p class="pane-caption ${lit ? 'lit' : ''}" title=${sentence}>${sentence}</p>`;
}

/** Whether positions can be compared, and the provenance of the map. */
function ownWords(pane: Pane): string {
  const { isComparable, state } = pane;
  if (state.busy) return 'Loading the atlas …';
  if (state.sheetFailure)
    return `Icons of this grid cannot be shown: ${state.sheetFailure.message}`;
  const places = isComparable
    ? 'Aligned with pane 1: both pan and zoom together'
    : 'Not aligned with pane 1: positions cannot be compared';
  return places + origin(pane);
}

function origin({ map: { scene }, session }: View): string {
  const { inView } = session.store.state;
  return scene === null ? '' : ` · ${provenance(scene.atlas, scene.level, inView)}`;
}

function renderLinkWarning(
  pane: Pane,
  host: PaneHost,
  links: LinkedHighlight,
): TemplateResult | typeof nothing {
  const [first, own] = [host.main.store.state.atlas, pane.state.atlas];
  const found = first && own ? links.findDifferences(first, own) : [];
  if (!first || !own || found.length === 0) return nothing;
  const rest = found.length - MOST_DIFFERENCES;
  return html`<details class="not-linked panel" open>
    <summary>Not linked to pane 1: the settings differ</summary>
    <ul>
      ${found.slice(0, MOST_DIFFERENCES).map((one) => html`<li>${one}</li>`)}
      ${rest > 0 ? html`<li>and ${count(rest)} more</li>` : nothing}
    </ul>
    ${
      shareProbe(first, own)
        ? html`<button type="button" class="button" @click=${() => host.linkAnyway()}>
            Link the samples of both
          </button>`
        : html`<p class="muted">Samples of two probes cannot be linked.</p>`
    }
  </details>`;
}
