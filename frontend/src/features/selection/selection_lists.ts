// SPDX-License-Identifier: Apache-2.0
/** The panel of selections and pins. */

import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { type Cohesion, measureCohesion } from '../../domain/comparison/sample_set_motion';
import { type Selection, whyNotIn } from '../../domain/selection';
import { findStep } from '../../domain/series/series_lookup';
import type { AtlasMap } from '../../map/atlas_map';
import { atlasOnScreen } from '../../state/reference_step';
import { freeName, readSavedSelections, writeSavedSelections } from '../../state/saved_selections';
import type { Session } from '../../state/session';
import { type DriftValues, StepSeriesLoader, spread } from '../../state/step_values_loader';
import type { State } from '../../state/store';
import { moveFocus } from '../../ui/list_focus';
import { panelHead } from '../../ui/panel_head';
import { plainName, saveFile } from '../../util/download';
import type { Atlas } from '../../wire/atlas';
import type { Feature } from '../feature';
import { HighlightHistory } from './highlight_by_step';
import { PinList } from './pin_list';
import { SavedList } from './saved_list';
import { samplesAsCsv, samplesAsJson } from './selection_export';
import { selectionPanel } from './selection_panel';

/** Maximum number of steps at which a selection is measured. */
const MOST_STEPS = 24;
const PATCHES = 12;
const MOST_PATCHES = 96;

export class SelectionLists implements Feature {
  readonly #cohesion: StepSeriesLoader<Cohesion | string>;
  readonly #highlights: HighlightHistory;
  readonly #pins: PinList;
  readonly #saved: SavedList;
  /** The atlas of the step of the selection, once loaded. */
  #then: Atlas | null = null;
  #key = '';
  #patches = PATCHES;
  #takesFocus: boolean;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
  ) {
    this.#cohesion = new StepSeriesLoader(session, update);
    this.#highlights = new HighlightHistory(session, map, update);
    this.#pins = new PinList(session, map, update);
    this.#saved = new SavedList(session, update);
    this.#takesFocus = session.store.state.selectionList === 'entered';
    session.store.subscribe((state, before) => {
      const drawn = state.selection?.rows !== before.selection?.rows;
      if (state.selectionList === 'entered' && (before.selectionList !== 'entered' || drawn))
        this.#takesFocus = true;
      if (drawn) this.#patches = PATCHES;
    });
  }

  rail(state: State): TemplateResult | typeof nothing {
    const atlas = atlasOnScreen(state);
    if (!state.selectionList || !atlas) return nothing;
    const { selection } = state;
    return html`<aside
      class="events kept"
      aria-label="Selections and pins"
      ${ref((element) => this.#focus(element))}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === 'Escape') this.#close();
        else moveFocus(event);
      }}
    >
      ${panelHead('Selections and pins', 'Close selections and pins', 'Esc', () => this.#close())}
      ${this.#tools(state)} ${selection ? this.#selection(state, atlas, selection) : nothing}
      ${this.#highlights.render(state)} ${this.#pins.render(state)} ${this.#saved.render(state, atlas)}
    </aside>`;
  }

  #tools({ tool, renderer, table }: State): TemplateResult {
    const { store } = this.session;
    const choice = (one: 'lasso' | 'block', name: string, key: string) => html`<button
      type="button"
      class="button"
      aria-pressed=${tool === one}
      title="${name} (${key})"
      ?disabled=${table || renderer === 'none'}
      @click=${() => store.set({ tool: tool === one ? '' : one })}
    >
      ${name}
    </button>`;
    return html`<div class="sides" role="group" aria-label="Select samples">
      ${choice('block', 'Rectangle', 'r')} ${choice('lasso', 'Lasso', 'l')}
    </div>`;
  }

  #selection(state: State, atlas: Atlas, selection: Selection): TemplateResult {
    const { store } = this.session;
    const name = state.run?.run ?? '';
    const file = (ending: string) =>
      `selection-${plainName(selection.name || selection.layer)}-step${atlas.step}.${ending}`;
    return selectionPanel({
      state,
      session: this.session,
      atlas,
      selection,
      reason: whyNotIn(atlas, selection),
      patches: this.#patches,
      known: this.#measure(state, atlas, selection),
      steps: this.#shownSteps(state, selection),
      since: this.#then?.step ?? null,
      more: () => {
        this.#patches = Math.min(MOST_PATCHES, this.#patches + 2 * PATCHES);
        this.update();
      },
      save: (wanted) => this.#save(selection, wanted),
      saveCsv: () => {
        const text = samplesAsCsv(name, atlas, selection.rows);
        store.set({ said: saveFile(new Blob([text], { type: 'text/csv' }), file('csv')) });
      },
      saveJson: () => {
        const text = samplesAsJson(name, selection.name, atlas, selection.rows);
        store.set({ said: saveFile(new Blob([text], { type: 'application/json' }), file('json')) });
      },
      clear: () => {
        store.set({ selection: null, said: 'Selection cleared' });
        this.map.focus();
      },
    });
  }

  #shownSteps({ series, step }: State, selection: Selection): readonly number[] {
    return spread(series?.steps ?? [], MOST_STEPS, [selection.step, step ?? selection.step]);
  }

  /** Cohesion of the selection at each step, as far as loaded. */
  #measure(state: State, atlas: Atlas, selection: Selection): DriftValues<Cohesion | string> {
    const { series, playing } = state;
    const base = series && findStep(series.steps, selection.step);
    if (!series || base === null || whyNotIn(atlas, selection) !== null) return new Map();
    const key = `${series.id}/${base}`;
    if (this.#key !== key) {
      this.#key = key;
      this.#then = null;
      void this.session.loadAtlas(series, base).then(
        (then) => {
          if (this.#key === key) this.#then = then;
          this.update();
        },
        () => this.update(),
      );
    }
    const then = this.#then;
    if (then === null) return new Map();
    const { rows } = selection;
    const steps = playing ? [] : this.#shownSteps(state, selection);
    return this.#cohesion.read(selection, series, steps, (now) => measureCohesion(then, now, rows));
  }

  #save(selection: Selection, wanted: string): void {
    const list = readSavedSelections();
    const named = { ...selection, name: freeName(wanted, list) };
    const reason = writeSavedSelections([...list, named]);
    this.#saved.reload();
    if (reason === null) this.session.store.set({ selection: named });
    this.session.store.set({ said: reason ?? `Saved as ${named.name}` });
    this.#saved.showFault(reason ?? '');
  }

  #close(): void {
    this.session.store.set({ selectionList: false, tool: '' });
    this.map.focus();
  }

  /** `ref` calls before the element is in the document, where nothing can have the focus yet. */
  #focus(element: Element | undefined): void {
    if (!element || !this.#takesFocus) return;
    this.#takesFocus = false;
    queueMicrotask(() => {
      const named = element.querySelector<HTMLElement>('input[name=name], .event');
      (named ?? element.querySelector('button'))?.focus();
    });
  }
}
