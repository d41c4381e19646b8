// SPDX-License-Identifier: Apache-2.0
/** The list of shortcuts. */

import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import type { AtlasMap } from '../../map/atlas_map';
import type { Session } from '../../state/session';
import { shortcutSeriesOf } from '../../state/shortcut_series';
import type { State } from '../../state/store';
import { moveFocus } from '../../ui/list_focus';
import { panelHead } from '../../ui/panel_head';
import { count, plural } from '../../util/format';
import type { Search, Shortcut } from '../../wire/shortcut_record';
import { ShortcutEntry } from './shortcut_entry';
import type { LoadedSearch } from './step_shortcuts';

export class ShortcutList {
  #takesFocus = false;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly retry: () => void,
  ) {
    // Opened by hand, it has the focus; opened by a link, the page keeps it.
    session.store.subscribe((state, before) => {
      if (before.shortcut === '' && state.shortcut !== '') this.#takesFocus = true;
    });
  }

  render(state: State, loaded: LoadedSearch | null): TemplateResult {
    return html`<aside
      class="events shortcuts"
      aria-label="Shortcuts"
      ${ref(this.#focus)}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key === 'Escape') this.#close();
        else moveFocus(event);
      }}
    >
      ${panelHead('Shortcuts', 'Close the shortcuts', 'Esc', () => this.#close())}
      ${this.#body(state, loaded)}
    </aside>`;
  }

  #body(state: State, loaded: LoadedSearch | null): TemplateResult {
    const searched = shortcutSeriesOf(state);
    if (searched === null) return renderMissing();
    if (loaded === null) {
      const first = searched.shortcuts[0] ?? 0;
      return html`<p><strong>Not searched yet at this step.</strong></p>
        <button type="button" class="button" @click=${() => this.session.chooseStep(first)}>
          First search: step ${count(first)}
        </button>`;
    }
    const { search, failure, step } = loaded;
    if (failure !== null && search === null) {
      return html`<p><strong>The search at step ${count(step)} cannot be shown.</strong></p>
        <p class="muted">${failure.message}</p>
        <button type="button" class="button" @click=${this.retry}>Try again</button>`;
    }
    if (search === null) return html`<p class="muted">Loading the search …</p>`;
    return html`${headline(state, search)} ${this.#found(state, search, loaded)}`;
  }

  #found(state: State, search: Search, loaded: LoadedSearch): TemplateResult {
    const { found } = search;
    const [hits, rest] = [true, false].map((wanted) =>
      found.filter(({ significant }) => significant === wanted),
    ) as [Shortcut[], Shortcut[]];
    const entry = new ShortcutEntry(state, search, loaded, this.session, this.map);
    const list = (some: readonly Shortcut[], label: string) =>
      html`<ol class="event-items" aria-label=${label}>
        ${some.map((one) => entry.render(one, found.indexOf(one)))}
      </ol>`;
    const { shortcut } = state;
    const lost = shortcut !== 'all' && !found.some(({ id }) => id === shortcut);
    return html`${
      lost ? html`<p class="muted">The shortcut of the link is not in this search.</p>` : nothing
    }
    ${loaded.failure ? html`<p class="muted">The patches: ${loaded.failure.message}</p>` : nothing}
    ${
      hits.length > 0
        ? html`<h3>Significant</h3>
            <p class="muted">Not always an error: look at the patch and its area.</p>
            ${list(hits, 'Significant shortcuts')}`
        : nothing
    }
    ${
      rest.length > 0
        ? html`<details ?open=${rest.some(({ id }) => id === shortcut)}>
            <summary>Tested and not significant (${rest.length})</summary>
            <p class="muted">
              Each changes some predictions. But chance, noise, or other content at that position
              may do the same, or the patch is so large that it may be part of the object.
            </p>
            ${list(rest, 'Tested and not significant')}
          </details>`
        : nothing
    }`;
  }

  #close(): void {
    this.session.store.set({ shortcut: '' });
    this.map.focus();
  }

  /** `ref` calls before the element is in the document, where nothing can have the focus yet. */
  readonly #focus = (element: Element | undefined): void => {
    if (!element || !this.#takesFocus) return;
    this.#takesFocus = false;
    queueMicrotask(() => {
      const first = element.querySelector<HTMLElement>('.event') ?? element.querySelector('button');
      first?.focus();
    });
  };
}

function headline({ step }: State, { step: at, images, found }: Search): TemplateResult {
  const none = found.length === 0;
  return html`${
    found.some(({ significant }) => significant)
      ? nothing
      : html`<p>
          <strong>${none ? 'No shortcut was found.' : 'No significant shortcut.'}</strong>
        </p>`
  }
  <p class="muted">
    Searched at step ${count(at)}${step === at ? nothing : ', the last search so far'}, in
    ${plural(images, 'image')}.
    ${none ? 'No small patch changed many predictions. A mark that is in none of these images cannot be found.' : nothing}
  </p>`;
}

function renderMissing(): TemplateResult {
  return html`<p><strong>Shortcuts were not searched for in this run.</strong></p>
    <p class="muted"><code>AtlasWriter(..., shortcuts=True)</code> searches during training.</p>`;
}
