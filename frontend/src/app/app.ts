// SPDX-License-Identifier: Apache-2.0
/** The tab as one element: its bars, the map, and the panels that load after the first map. */

import { html, LitElement, nothing, type TemplateResult, unsafeCSS } from 'lit';
import { Address, watchDarkMode } from '../host/tensorboard';
import { AtlasMap } from '../map/atlas_map';
import { forcedTheme } from '../map/theme';
import { Session } from '../state/session';
import { type State, Store } from '../state/store';
import type { PageInfo } from '../wire/exported_page';
import styles from './app.css?inline';
import { topBar } from './top_bar';

const SPEAK_MS = 500;

type Shell = import('./feature_slots').Shell;

export class AtlasApp extends LitElement {
  static override styles = unsafeCSS(styles);

  /** The exported page that is shown; null in TensorBoard. */
  page: PageInfo | null = null;

  readonly #store = new Store();
  readonly #session = new Session(this.#store, new Address());
  #shell: Shell | null = null;
  /** The rest of the tab failed to load; a button loads it again. */
  #loadFailed = false;
  #spoken = '';
  #speakTimer: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.page !== null) this.#store.set({ source: { kind: 'page', ...this.page } });
    watchDarkMode((dark) => this.#store.set({ dark, forced: forcedTheme() }));
    this.#store.subscribe((state, before) => this.#react(state, before));
    void this.#session.start();
  }

  protected override render(): TemplateResult {
    const { state } = this.#store;
    const { phase, busy, stepFailure, shownLevel, arriving } = state;
    const waiting =
      phase === 'loading' || (phase === 'ready' && shownLevel === null && !stepFailure);
    const barren = phase === 'empty' || phase === 'failed';
    return html`
      ${barren ? nothing : topBar(state, this.#session, this.#shell?.tools(state), this.#shell?.layouts(state))}
      ${(!barren && this.#shell?.strip(state)) || nothing}
      <div class="middle">
        ${this.#shell?.rail(state) ?? nothing}
        <main class="stage">
          <h1 class="hidden">Activation atlas</h1>
          <atlas-map
            .session=${this.#session}
            tabindex="0"
            ?inert=${barren}
            role="application"
            aria-roledescription="map"
            aria-label=${mapLabel(state)}
            aria-describedby="map-hint"
          ></atlas-map>
          <span id="map-hint" class="hidden">
            Arrow keys move between cells, Enter pins a cell, plus and minus zoom, comma and period
            change the step, question mark lists all keys.
          </span>
          ${waiting ? html`<div class="skeleton"><span>Loading the atlas …</span></div>` : nothing}
          ${!waiting && (busy || arriving) ? html`<div class="progress"></div>` : nothing}
          ${this.#shell?.stage(state) ?? nothing}
        </main>
      </div>
      ${barren || !this.#shell ? this.#bare(barren) : this.#shell.footer(state)}
      <div class="hidden" role="status" aria-live="polite">${this.#spoken}</div>
    `;
  }

  protected override updated(): void {
    const { phase, settled, shownLevel, step, atlas, stepFailure, dark, series, renderer } =
      this.#store.state;
    const resting = phase === 'empty' || phase === 'failed' || stepFailure !== null;
    const marks = {
      theme: dark ? 'dark' : 'light',
      phase,
      ready: String(this.#shell?.ready(this.#store.state) === true && (settled || resting)),
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

  #react(state: State, before: State): void {
    this.requestUpdate();
    const resting = state.phase === 'empty' || state.phase === 'failed';
    if (
      !this.#loadFailed &&
      this.#shell === null &&
      (state.shownLevel !== null || resting || state.stepFailure)
    ) {
      void this.#loadShell();
    }
    this.#announce(state, before);
  }

  #announce(state: State, before: State): void {
    const sentence = this.#shell?.announce(state, before) ?? null;
    if (sentence !== null) this.#speak(sentence);
  }

  async #loadShell(): Promise<void> {
    const chunk = await import('./feature_slots').catch(() => null);
    const map = this.#map;
    this.requestUpdate();
    this.#loadFailed = chunk === null;
    if (this.#shell !== null || map === null || chunk === null) return;
    this.#shell = new chunk.Shell(this.#session, map, () => this.requestUpdate());
    // Missing parts of the link were known before the code that announces them.
    const { state } = this.#store;
    this.#announce(state, { ...state, missing: {} });
  }

  /** In place of all that is missing. */
  #bare(barren: boolean): TemplateResult | typeof nothing {
    if (this.#loadFailed) {
      return html`<footer class="bar" role="alert">
        Part of this tab failed to load: TensorBoard does not respond.
        <button type="button" @click=${() => void this.#loadShell()}>Retry</button>
      </footer>`;
    }
    return barren ? nothing : html`<footer class="bar"></footer>`;
  }

  /** The only live region; of several messages at once, it announces the last. */
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
  return `Activation atlas of ${series.layer.slice(0, 200)} at step ${step}`;
}
