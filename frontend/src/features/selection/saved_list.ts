// SPDX-License-Identifier: Apache-2.0
/** The list of selections saved in this browser: show, rename, or delete them. */

import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { type Selection, whyNotIn } from '../../domain/selection';
import {
  freeName,
  LONGEST_NAME,
  readSavedSelections,
  showSavedSelection,
  writeSavedSelections,
} from '../../state/saved_selections';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { iconButton } from '../../ui/icons';
import { focusOnce } from '../../ui/list_focus';
import { count, plural, shorten } from '../../util/format';
import type { Atlas } from '../../wire/atlas';

const LAYER = 40;
const PENCIL = 'M4 16.5V20h3.5L18 9.5 14.5 6zM15.9 4.6l3.5 3.5 1.5-1.5-3.5-3.5z';

export class SavedList {
  #list = readSavedSelections();
  #renaming = -1;
  #items: Element | undefined;
  /** Why the last change was not kept. */
  #fault = '';

  constructor(
    private readonly session: Session,
    private readonly update: () => void,
  ) {
    // Another tab of this browser may change what is kept.
    addEventListener('storage', () => this.reload());
    session.store.subscribe((state, before) => {
      if (state.selectionList && !before.selectionList) this.reload();
    });
  }

  reload(): void {
    this.#list = readSavedSelections();
    this.#renaming = -1;
    this.update();
  }

  showFault(fault: string): void {
    this.#fault = fault;
    this.update();
  }

  render({ selection }: State, atlas: Atlas): TemplateResult {
    return html`<section>
      <h3>Saved selections <span class="muted">${this.#list.length || ''}</span></h3>
      ${this.#fault ? html`<p class="fault">${this.#fault}</p>` : nothing}
      <ul
        class="event-items"
        aria-label="Saved selections"
        ${ref((element) => {
          this.#items = element;
        })}
      >
        ${this.#list.map((one, place) => this.#item(one, place, atlas, one.name === selection?.name))}
      </ul>
      <p class="muted">
        Stored in this browser for this address, not in the log.
      </p>
    </section>`;
  }

  #item(one: Selection, place: number, atlas: Atlas, shown: boolean): TemplateResult {
    const { name, rows, layer, step } = one;
    if (place === this.#renaming) return html`<li>${this.#renamer(one, place)}</li>`;
    const reason = layer === atlas.manifest.layer ? whyNotIn(atlas, one) : null;
    return html`<li class="kept-item ${shown ? 'chosen' : ''}">
      <button
        type="button"
        class="event"
        aria-pressed=${shown}
        title=${reason ?? ''}
        @click=${() => showSavedSelection(this.session, one)}
      >
        <span class="name">${name}</span>
        <span class="muted"
          >${plural(rows.length, 'sample')} · ${shorten(layer, LAYER)} · step ${count(step)}</span
        >
      </button>
      ${iconButton({ icon: PENCIL, name: `Rename ${name}`, press: () => this.#rename(place) })}
      ${iconButton({ icon: 'close', name: `Delete ${name}`, press: () => this.#remove(place) })}
    </li>`;
  }

  #renamer({ name }: Selection, place: number): TemplateResult {
    const input = (event: Event) => (event.currentTarget as HTMLElement).querySelector('input');
    return html`<form
      class="naming"
      @submit=${(event: Event) => {
        event.preventDefault();
        this.#call(place, input(event)?.value ?? name);
      }}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key !== 'Escape') return;
        event.stopPropagation();
        this.#rename(-1);
      }}
    >
      <input
        type="text"
        aria-label="New name"
        autocomplete="off"
        maxlength=${LONGEST_NAME}
        .value=${name}
        ${ref(focusOnce)}
      />
      <button class="button">Rename</button>
    </form>`;
  }

  #rename(place: number): void {
    const from = this.#renaming;
    this.#renaming = place;
    this.update();
    if (place < 0) this.#focus(from);
  }

  #call(place: number, wanted: string): void {
    const old = this.#list[place];
    if (old === undefined) return;
    const others = this.#list.filter((one) => one !== old);
    const name = freeName(wanted, others);
    const renamed = { ...old, name };
    const { store } = this.session;
    if (store.state.selection?.name === old.name) store.set({ selection: renamed });
    this.#keep(
      this.#list.map((one) => (one === old ? renamed : one)),
      `Renamed to ${name}`,
      place,
    );
  }

  #remove(place: number): void {
    const old = this.#list[place];
    this.#keep(
      this.#list.filter((one) => one !== old),
      `Deleted ${old?.name}`,
      place,
    );
  }

  #keep(list: readonly Selection[], said: string, place: number): void {
    const reason = writeSavedSelections(list);
    this.reload();
    this.showFault(reason ?? '');
    this.session.store.set({ said: reason ?? said });
    this.#focus(Math.min(place, this.#list.length - 1));
  }

  /** Moves the focus of a removed entry to the next entry, or to the head of the panel. */
  #focus(place: number): void {
    requestAnimationFrame(() => {
      const entry = this.#items?.querySelectorAll<HTMLElement>('.event')[place];
      (entry ?? this.#items?.closest('aside')?.querySelector('button'))?.focus();
    });
  }
}
