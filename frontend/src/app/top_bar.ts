// SPDX-License-Identifier: Apache-2.0
/** The top bar: run, layer, grid, color mode, icons or points. */

import { html, nothing, type TemplateResult } from 'lit';
import { type ColorMode, SHOW_MODES, type ShowMode } from '../domain/display_types';
import { findOtherLayout, folderOf, isRelayout } from '../domain/series/relayout_runs';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import { iconButton } from '../ui/icons';
import { layerOptions } from '../ui/layer_options';
import { type Option, picker } from '../ui/picker';
import { shorten } from '../util/format';
import type { Atlas } from '../wire/atlas';
import type { RunEntry } from '../wire/manifest';

const COLOR_NAMES: Readonly<Record<ColorMode, string>> = {
  icons: 'Icons only',
  class: 'Class',
  prediction: 'Prediction',
  concept: 'Concept',
  purity: 'Purity',
  accuracy: 'Accuracy',
  confusion: 'Confusion',
  entropy: 'Entropy',
  cosine: 'Cosine',
  population: 'Population',
};

const SHOW_NAMES: Readonly<Record<ShowMode, string>> = {
  icons: 'Icons',
  points: 'Points',
  both: 'Both',
};

const TITLE_LENGTH = 200;

export function topBar(
  state: State,
  session: Session,
  tools: TemplateResult | typeof nothing = nothing,
  beside: TemplateResult | typeof nothing = nothing,
): TemplateResult {
  const { runs, run, series, atlas, color, level, source } = state;
  const { store } = session;
  // The original represents both layouts of a run.
  const listedRun = (one: RunEntry) => (isRelayout(one.run) && findOtherLayout(runs, one)) || one;
  const runOptions = runs
    .filter((one) => one.series.length > 0 && listedRun(one) === one)
    .map((one) => ({ value: one.id, label: folderOf(one.run) || '(log directory)' }));
  return html`<header class="bar" aria-label="What the map shows">
    ${source.kind === 'page' ? pageTitle(shorten(source.title, TITLE_LENGTH)) : nothing}
    ${picker('run', 'Run', runOptions, run ? listedRun(run).id : '', (id) => session.chooseRun(id))}
    ${beside}
    ${picker('layer', 'Layer', layerOptions(state), series?.id ?? '', (id) => session.chooseSeries(id))}
    ${picker('color', 'Color by', colorOptions(atlas), color, (mode) =>
      store.set({ color: mode as ColorMode }),
    )}
    ${picker('level', 'Grid', levelOptions(state), String(level), (value) =>
      store.set({ level: value === 'auto' ? 'auto' : Number(value) }),
    )}
    ${showChoice(state, (show) => store.set({ show }))}
    <span class="buttons">
      ${tools}
      ${iconButton({
        icon: 'help',
        name: 'How to read the map, and keys',
        key: '?',
        press: () => store.set({ help: true }),
      })}
    </span>
  </header>`;
}

function pageTitle(title: string): TemplateResult {
  return html`<strong class="title" title=${title}>${title}</strong>`;
}

function colorOptions(atlas: Atlas | null): Option[] {
  const unjudged = atlas?.labels === null || atlas?.predictions === null;
  const missing: Partial<Record<ColorMode, boolean>> = {
    class: atlas?.labels === null,
    prediction: atlas?.predictions === null,
    concept: atlas?.concepts === null,
    purity: atlas?.labels === null && atlas.predictions === null,
    accuracy: unjudged,
    confusion: unjudged,
    entropy: atlas?.labels === null && atlas.predictions === null,
  };
  return Object.entries(COLOR_NAMES).map(([mode, name]) => {
    const disabled = missing[mode as ColorMode] === true;
    return { value: mode, label: disabled ? `${name} (not recorded)` : name, disabled };
  });
}

function levelOptions({ atlas, shownLevel }: State): Option[] {
  const shown = shownLevel === null ? '' : ` (${shownLevel} × ${shownLevel})`;
  const sizes = (atlas?.levels ?? []).map(({ size }) => ({
    value: String(size),
    label: `${size} × ${size}`,
  }));
  return [{ value: 'auto', label: `By zoom${shown}` }, ...sizes];
}

function showChoice({ show }: State, choose: (show: ShowMode) => void): TemplateResult {
  return html`<span class="field" role="radiogroup" aria-labelledby="show-label">
    <span class="label" id="show-label">Show</span>
    <span class="segments">
      ${SHOW_MODES.map(
        (mode) =>
          html`<label>
            <input
              type="radio"
              name="show"
              value=${mode}
              .checked=${mode === show}
              @change=${() => choose(mode)}
            />${SHOW_NAMES[mode]}
          </label>`,
      )}
    </span>
  </span>`;
}
