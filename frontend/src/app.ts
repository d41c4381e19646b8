// SPDX-License-Identifier: Apache-2.0
/** The tab's shell: bars, stage and the panels that arrive after the first map. */

import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { describeCell } from './cells';
import { Address, watchDarkMode } from './host';
import { AtlasMap } from './map/atlas_map';
import { iconButton } from './panels/icons';
import { timeline } from './panels/timeline';
import { topBar } from './panels/top_bar';
import { Session } from './session';
import { type State, Store, samePlace } from './store';
import { shell, tokens } from './styles';

const SPEAK_MS = 500;
const ZOOM_STEP = 1.5;

type Details = import('./panels/details').Details;

export class AtlasApp extends LitElement {
  static override styles = [tokens, shell];

  readonly #store = new Store();
  readonly #session = new Session(this.#store, new Address());
  #details: Details | null = null;
  #spoken = '';
  #speakTimer: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    watchDarkMode((dark) => this.#store.set({ dark }));
    this.#store.subscribe((state, before) => this.#changed(state, before));
    void this.#session.start();
  }

  override render(): TemplateResult {
    const { state } = this.#store;
    const { atlas, phase, busy, stepFailure } = state;
    const waiting = phase === 'loading' || (phase === 'ready' && atlas === null && !stepFailure);
    return html`
      ${topBar(state, this.#session)}
      <main class="stage">
        <atlas-map
          .session=${this.#session}
          tabindex="0"
          role="application"
          aria-roledescription="map"
          aria-label=${mapLabel(state)}
          aria-describedby="map-hint"
        ></atlas-map>
        <span id="map-hint" class="hidden">
          Arrow keys move between cells, Enter pins a cell, plus and minus zoom, comma and full stop
          change the step, question mark lists all keys.
        </span>
        ${waiting ? html`<div class="skeleton"><span>Loading the atlas …</span></div>` : nothing}
        ${busy && atlas !== null ? html`<div class="progress"></div>` : nothing}
        ${phase === 'ready' ? this.#mapButtons() : nothing}
        ${this.#details?.render(state, this.#map) ?? nothing}
      </main>
      ${timeline(state, this.#session)}
      <div class="hidden" role="status" aria-live="polite">${this.#spoken}</div>
    `;
  }

  protected override updated(_changed: PropertyValues): void {
    const { phase, settled, shownLevel, step, atlas, stepFailure, dark, series, renderer } =
      this.#store.state;
    const resting = phase === 'empty' || phase === 'failed' || stepFailure !== null;
    const marks = {
      theme: dark ? 'dark' : 'light',
      phase,
      ready: String(settled || resting),
      level: String(shownLevel ?? ''),
      step: String(step ?? ''),
      shownStep: String(atlas?.step ?? ''),
      layer: series?.layer.slice(0, 200) ?? '',
      failure: stepFailure?.kind ?? '',
      renderer,
    };
    Object.assign(this.dataset, marks);
  }

  get #map(): AtlasMap | null {
    const map = this.renderRoot.querySelector('atlas-map');
    return map instanceof AtlasMap ? map : null;
  }

  #mapButtons(): TemplateResult {
    return html`<div class="map-buttons" role="group" aria-label="Zoom">
      ${iconButton({
        icon: 'plus',
        name: 'Zoom in',
        key: '+',
        press: () => this.#map?.zoomBy(ZOOM_STEP),
      })}
      ${iconButton({
        icon: 'minus',
        name: 'Zoom out',
        key: '-',
        press: () => this.#map?.zoomBy(1 / ZOOM_STEP),
      })}
      ${iconButton({
        icon: 'fit',
        name: 'Show the whole map',
        key: '0',
        press: () => this.#map?.fit(),
      })}
    </div>`;
  }

  #changed(state: State, before: State): void {
    this.requestUpdate();
    const resting = state.phase === 'empty' || state.phase === 'failed';
    if (this.#details === null && (state.settled || resting || state.stepFailure || state.help)) {
      void this.#loadDetails();
    }
    if (!samePlace(state.hover, before.hover) && this.#map?.matches(':focus-visible')) {
      this.#speak(cellSentence(state));
    }
    if (state.stepFailure !== null && state.stepFailure !== before.stepFailure) {
      this.#speak(`Step ${state.step} cannot be shown: ${state.stepFailure.message}`);
    }
  }

  async #loadDetails(): Promise<void> {
    const { Details } = await import('./panels/details');
    if (this.#details !== null) return;
    this.#details = new Details(this.#session, () => this.requestUpdate());
    const root = this.renderRoot as ShadowRoot;
    const { styleSheet } = Details.styles;
    if (styleSheet) root.adoptedStyleSheets = [...root.adoptedStyleSheets, styleSheet];
    this.requestUpdate();
  }

  /** The one live region; bursts are told by their last sentence. */
  #speak(sentence: string): void {
    clearTimeout(this.#speakTimer);
    this.#speakTimer = setTimeout(() => {
      this.#spoken = sentence;
      this.requestUpdate();
    }, SPEAK_MS);
  }
}

customElements.define('atlas-app', AtlasApp);

function mapLabel({ series, step }: State): string {
  if (series === null) return 'Activation atlas';
  return `Activation atlas of layer ${series.layer.slice(0, 200)} at step ${step}`;
}

function cellSentence({ atlas, hover }: State): string {
  const level = atlas?.levels.find(({ size }) => size === hover?.size);
  if (!atlas || !level || !hover) return '';
  const facts = describeCell(atlas, level, hover.row, hover.col);
  if (facts === null) return '';
  const top = facts.mix[0];
  const named = top && (atlas.classes?.[top.index] ?? `class ${top.index}`);
  const mix = top ? `, ${named} ${Math.round(100 * top.share)} percent` : '';
  return `row ${hover.row + 1}, column ${hover.col + 1}${mix}, ${facts.count} samples`;
}
