// SPDX-License-Identifier: Apache-2.0
/** Shows the button, the list, and the announcements of shortcuts. */

import { html, nothing, type TemplateResult } from 'lit';
import type { AtlasMap } from '../../map/atlas_map';
import type { Session } from '../../state/session';
import { shortcutSeriesOf, toggleShortcuts } from '../../state/shortcut_series';
import type { State } from '../../state/store';
import { count } from '../../util/format';
import { asFailure } from '../../wire/api';
import { fetchPatches, fetchSearch, type Search } from '../../wire/shortcut_record';
import type { Feature } from '../feature';
import { describe } from './shortcut_entry';
import { ShortcutList } from './shortcut_list';
import type { LoadedSearch } from './step_shortcuts';

/** Maximum number of cached searches with their pictures. */
const CACHED = 8;

export class ShortcutsController implements Feature {
  readonly #list: ShortcutList;
  readonly #searches = new Map<string, LoadedSearch>();

  constructor(
    private readonly session: Session,
    map: AtlasMap,
    private readonly update: () => void,
  ) {
    this.#list = new ShortcutList(session, map, () => this.#retry());
  }

  /** Whether all that the list shows has come, or cannot. */
  ready(state: State): boolean {
    const loaded = this.#searchOf(state);
    return loaded === null || (loaded.search ?? loaded.failure) !== null;
  }

  /** The button that opens the list, where there is one. */
  toolbar(state: State): TemplateResult | typeof nothing {
    if (shortcutSeriesOf(state) === null) return nothing;
    const { search = null } = this.#searchOf(state) ?? {};
    const hits = search ? hitsOf(search) : 0;
    const name = search ? `Shortcuts: ${hits || 'none'} significant` : 'Shortcuts';
    return html`<button
      type="button"
      class="icon-button shortcut-tool"
      aria-label=${name}
      aria-pressed=${state.shortcut !== ''}
      title="${name} (s)"
      @click=${() => toggleShortcuts(this.session)}
    >
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M3 3h18v18H3zm2 2v14h14V5zm7 2h5v5h-5z" />
      </svg>
      ${hits > 0 ? html`<b aria-hidden="true">${hits}</b>` : nothing}
    </button>`;
  }

  rail(state: State): TemplateResult | typeof nothing {
    if (state.shortcut === '') return nothing;
    return this.#list.render(state, this.#searchOf(state));
  }

  announce(state: State, before: State): string | null {
    const { shortcut } = state;
    const search = this.#searchOf(state)?.search;
    if (shortcut === '' || !search) return null;
    const opened = search.found.find(({ id }) => id === shortcut);
    if (opened && shortcut !== before.shortcut) return describe(search, opened);
    const fresh = before.shortcut === '' || this.#searchOf(before)?.search !== search;
    if (!fresh || state.playing) return null;
    return `${hitsOf(search)} of ${search.found.length} tested patches are significant, at step ${count(search.step)}`;
  }

  /** Search of the latest step up to the current one; requests it if it is not loaded. */
  #searchOf(state: State): LoadedSearch | null {
    const series = shortcutSeriesOf(state);
    const step = series?.shortcuts.findLast((one) => one <= (state.step ?? Number.NaN));
    if (!series || step === undefined) return null;
    const key = `${series.id}/${step}`;
    let loaded = this.#searches.get(key);
    if (loaded === undefined) {
      loaded = { step, search: null, failure: null, patches: null };
      this.#searches.set(key, loaded);
      for (const older of [...this.#searches.keys()].slice(0, -CACHED))
        this.#searches.delete(older);
      void this.#load(series.id, loaded);
    }
    return loaded;
  }

  async #load(id: string, loaded: LoadedSearch): Promise<void> {
    let search: Search | null = null;
    try {
      search = await fetchSearch(id, loaded.step);
      const page = search.patches?.page;
      if (page) loaded.patches = await fetchPatches(id, loaded.step, page);
    } catch (error) {
      loaded.failure = asFailure(error);
    }
    loaded.search = search;
    this.update();
  }

  #retry(): void {
    this.#searches.clear();
    this.update();
  }
}

function hitsOf({ found }: Search): number {
  return found.filter(({ significant }) => significant).length;
}
