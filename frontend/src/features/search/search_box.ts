// SPDX-License-Identifier: Apache-2.0
/** A search box for everything on the map: a combobox with a list of results. */

import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { iconButton } from '../../ui/icons';
import { closeWhenLeft, focusOnce } from '../../ui/list_focus';
import { count, shorten } from '../../util/format';
import type { Result, Results, Target } from './map_search';

const NAME = 60;
const NOTE = 48;
const PAGE = 10;

export interface Sought {
  find(search: string): Results;
  say(found: Results): void;
  choose(target: Target, name: string): void;
  close(): void;
}

/** Keeps what is typed and which result the keys are at. */
export class SearchBox {
  #search = '';
  #at = 0;

  constructor(private readonly update: () => void) {}

  render(sought: Sought): TemplateResult {
    const { list, more } = sought.find(this.#search);
    this.#at = Math.max(0, Math.min(this.#at, list.length - 1));
    const typed = this.#search.trim() !== '';
    return html`<div
      class="find panel"
      role="search"
      aria-label="Find on the map"
      @focusout=${closeWhenLeft(sought.close)}
    >
      <div class="find-head">
        <input
          type="text"
          role="combobox"
          aria-label="Find"
          aria-expanded=${list.length > 0}
          aria-controls="find-list"
          aria-autocomplete="list"
          aria-activedescendant=${list.length > 0 ? `find-${this.#at}` : nothing}
          aria-describedby="find-hint"
          autocomplete="off"
          spellcheck="false"
          placeholder="Class, concept, 3, 12 or image 7"
          .value=${this.#search}
          ${ref(focusOnce)}
          @input=${(event: Event) => this.#find((event.target as HTMLInputElement).value, sought)}
          @keydown=${(event: KeyboardEvent) => this.#key(event, list, sought)}
        />
        ${iconButton({ icon: 'close', name: 'Close the search', key: 'Esc', press: sought.close })}
      </div>
      <ul id="find-list" role="listbox" aria-label="Results" ?hidden=${list.length === 0}>
        ${list.map((result, place) => this.#option(result, place, sought))}
      </ul>
      <p id="find-hint" class="muted">${hint(typed, list.length, more)}</p>
    </div>`;
  }

  #option({ target, name, note }: Result, place: number, sought: Sought): TemplateResult {
    const active = place === this.#at;
    // Keep the focus in the search box.
    return html`<li
      id="find-${place}"
      role="option"
      data-kind=${target.kind}
      aria-selected=${active}
      @mousedown=${(event: Event) => event.preventDefault()}
      @click=${() => sought.choose(target, name)}
    >
      <span class="kind muted">${target.kind}</span>
      <span class="name">${shorten(name, NAME)}</span>
      <span class="muted number">${shorten(note, NOTE)}</span>
    </li>`;
  }

  #find(search: string, sought: Sought): void {
    this.#search = search;
    this.#at = 0;
    sought.say(sought.find(search));
    this.update();
  }

  #key(event: KeyboardEvent, list: readonly Result[], sought: Sought): void {
    const { key } = event;
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE }[key];
    const chosen = list[this.#at];
    if (key === 'Escape') sought.close();
    else if (key === 'Enter' && chosen) sought.choose(chosen.target, chosen.name);
    else if (by !== undefined && list.length > 0) this.#moveFocus(event, by, list.length);
    else return;
    event.preventDefault();
  }

  /** Single steps go round the ends, as in any such list. */
  #moveFocus({ currentTarget }: KeyboardEvent, by: number, length: number): void {
    const to = this.#at + by;
    const round = (to + length) % length;
    this.#at = Math.abs(by) === 1 ? round : Math.max(0, Math.min(length - 1, to));
    this.update();
    const box = (currentTarget as HTMLElement).closest('.find');
    box?.querySelector(`#find-${this.#at}`)?.scrollIntoView({ block: 'nearest' });
  }
}

function hint(typed: boolean, found: number, more: number): string {
  if (!typed) return 'A name, “row, column” of this grid, an image number, or a saved selection.';
  if (found === 0) return 'No results.';
  return more > 0 ? `and ${count(more)} more: type to find them` : 'Enter goes there.';
}
