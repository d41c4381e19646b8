// SPDX-License-Identifier: Apache-2.0
/** What is shown and how: run, layer, level, colouring, icons or points. */

import { html, nothing, type TemplateResult } from 'lit';
import { classAtlasOf } from '../domain/class_atlas';
import { groupSeries } from '../domain/class_series';
import { folderOf, isRelaid, twinOf } from '../domain/layout_variants';
import type { Session } from '../state/session';
import { type ColourMode, SHOW_MODES, type ShowMode, type State } from '../state/store';
import { iconButton } from '../ui/icons';
import { shorten } from '../util/format';
import type { Atlas } from '../wire/atlas';
import type { RunEntry } from '../wire/manifest';

/** Names come from logs and may be of any length; the whole name is in the tooltip up to this. */
const SHOWN_NAME = 60;
const TOOLTIP_NAME = 400;

const COLOUR_NAMES: Readonly<Record<ColourMode, string>> = {
  icons: 'Icons only',
  class: 'Class',
  prediction: 'Prediction',
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

export interface Option {
  readonly value: string;
  readonly label: string;
  readonly disabled?: boolean;
  /** Heading of the group that begins with it or that it belongs to. */
  readonly group?: string;
  /** What the tooltip says of it, where that is more than the label. */
  readonly whole?: string;
}

export function topBar(
  state: State,
  session: Session,
  tools: TemplateResult | typeof nothing = nothing,
  beside: TemplateResult | typeof nothing = nothing,
): TemplateResult {
  const { runs, run, series, atlas, colour, level } = state;
  const { store } = session;
  // Of two layouts of a run the first stands for both.
  const listed = (one: RunEntry) => (isRelaid(one.run) && twinOf(runs, one)) || one;
  const runOptions = runs
    .filter((one) => one.series.length > 0 && listed(one) === one)
    .map((one) => ({ value: one.id, label: folderOf(one.run) || '(log directory)' }));
  return html`<header class="bar" aria-label="What the map shows">
    ${picker('run', 'Run', runOptions, run ? listed(run).id : '', (id) => session.chooseRun(id))}
    ${beside}
    ${picker('layer', 'Layer', layerOptions(state), series?.id ?? '', (id) => session.chooseSeries(id))}
    ${picker('colour', 'Colour by', colourOptions(atlas), colour, (mode) =>
      store.set({ colour: mode as ColourMode }),
    )}
    ${picker('level', 'Grid', levelOptions(state), String(level), (value) =>
      store.set({ level: value === 'auto' ? 'auto' : Number(value) }),
    )}
    ${showChoice(state, (show) => store.set({ show }))}
    <span class="buttons">
      ${tools}
      ${iconButton({
        icon: 'help',
        name: 'How to read the map, and its keys',
        key: '?',
        press: () => store.set({ help: true }),
      })}
    </span>
  </header>`;
}

export function picker(
  id: string,
  label: string,
  options: readonly Option[],
  value: string,
  choose: (value: string) => void,
): TemplateResult {
  const shown = options.find((option) => option.value === value);
  return html`<span class="field">
    <label for=${id}>${label}</label>
    <select
      id=${id}
      title=${shorten(shown?.whole ?? shown?.label ?? '', TOOLTIP_NAME)}
      ?disabled=${options.length === 0}
      @change=${(event: Event) => choose((event.target as HTMLSelectElement).value)}
    >
      ${options
        .filter(({ group }, i) => group === undefined || group !== options[i - 1]?.group)
        .map(({ group, ...first }) =>
          group === undefined
            ? choice(first, value)
            : html`<optgroup label=${shorten(group, SHOWN_NAME)}>
                ${options.filter((one) => one.group === group).map((one) => choice(one, value))}
              </optgroup>`,
        )}
    </select>
  </span>`;
}

function choice(option: Option, value: string): TemplateResult {
  return html`<option
    value=${option.value}
    .selected=${option.value === value}
    ?disabled=${option.disabled === true}
  >
    ${shorten(option.label, SHOWN_NAME)}
  </option>`;
}

/** Every layer, and below it the classes that were asked of it. */
export function layerOptions({ run, series, atlas }: State): Option[] {
  if (run === null) return [];
  const known = atlas !== null && atlas.series === series?.id && classAtlasOf(atlas) === null;
  return groupSeries(run, known ? series : null).flatMap(({ layer, own, classes }) => [
    ...(own ? [{ value: own.id, label: layer }] : []),
    ...classes.map((one) => ({
      value: one.series.id,
      label: one.label || '(no name)',
      group: `Classes of ${layer}`,
      whole: one.series.layer,
    })),
  ]);
}

function colourOptions(atlas: Atlas | null): Option[] {
  const unjudged = atlas?.labels === null || atlas?.predictions === null;
  const missing: Partial<Record<ColourMode, boolean>> = {
    class: atlas?.labels === null,
    prediction: atlas?.predictions === null,
    purity: atlas?.labels === null && atlas.predictions === null,
    accuracy: unjudged,
    confusion: unjudged,
    entropy: atlas?.labels === null && atlas.predictions === null,
  };
  return Object.entries(COLOUR_NAMES).map(([mode, name]) => {
    const disabled = missing[mode as ColourMode] === true;
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
