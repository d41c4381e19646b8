// SPDX-License-Identifier: Apache-2.0
/** A search box with a list of matching classes; up to four can be chosen. */

import { html, nothing, type TemplateResult } from 'lit';
import { ref } from 'lit/directives/ref.js';
import { type Choice, match } from '../../domain/class_choices';
import { MOST_CLASSES } from '../../domain/class_filter';
import { focusOnce } from '../../ui/list_focus';
import { count, shorten } from '../../util/format';

/** Maximum number of listed matches; the rest need a longer search. */
const MOST_MATCHES = 100;
const NAME = 40;

export interface Picked {
  readonly choices: readonly Choice[];
  readonly chosen: readonly number[];
  toggle(index: number): void;
  leave(): void;
}

/** Keeps what is typed and which match the keys are at. */
export class ClassPicker {
  #search = '';
  #at = 0;

  constructor(private readonly update: () => void) {}

  render(picked: Picked): TemplateResult {
    const { choices, chosen } = picked;
    const matches = match(choices, this.#search);
    const listed = matches.slice(0, MOST_MATCHES);
    this.#at = Math.max(0, Math.min(this.#at, listed.length - 1));
    const active = listed[this.#at];
    const more = matches.length - listed.length;
    return html`<div class="picker">
      <input
        type="search"
        role="combobox"
        aria-label="Find a class"
        aria-expanded="true"
        aria-controls="class-list"
        aria-autocomplete="list"
        aria-activedescendant=${active ? `class-${active.index}` : nothing}
        autocomplete="off"
        spellcheck="false"
        placeholder="Find among ${count(choices.length)} classes"
        .value=${this.#search}
        ${ref(focusOnce)}
        @input=${(event: Event) => this.#find((event.target as HTMLInputElement).value)}
        @keydown=${(event: KeyboardEvent) => this.#key(event, listed, picked)}
      />
      <ul id="class-list" role="listbox" aria-label="Classes" aria-multiselectable="true">
        ${listed.map((choice) => this.#option(choice, choice === active, picked))}
      </ul>
      ${listed.length === 0 ? html`<p class="muted">No class matches.</p>` : nothing}
      ${more > 0 ? html`<p class="muted">and ${count(more)} more: type to find them</p>` : nothing}
      ${
        chosen.length >= MOST_CLASSES
          ? html`<p class="muted">${MOST_CLASSES} classes at most: remove one to add another.</p>`
          : nothing
      }
    </div>`;
  }

  #option({ index, name, note }: Choice, active: boolean, picked: Picked): TemplateResult {
    const selected = picked.chosen.includes(index);
    const full = !selected && picked.chosen.length >= MOST_CLASSES;
    // Keep the focus in the search box.
    return html`<li
      id="class-${index}"
      role="option"
      class=${active ? 'active' : ''}
      aria-selected=${selected}
      aria-disabled=${full ? 'true' : nothing}
      @mousedown=${(event: Event) => event.preventDefault()}
      @click=${() => picked.toggle(index)}
    >
      <span class="name">${shorten(name, NAME) || '(no name)'}</span>
      <span class="muted number">${note}</span>
    </li>`;
  }

  #find(search: string): void {
    this.#search = search;
    this.#at = 0;
    this.update();
  }

  #key(event: KeyboardEvent, listed: readonly Choice[], picked: Picked): void {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
    const active = listed[this.#at];
    if (by !== undefined) {
      this.#at = Math.max(0, Math.min(listed.length - 1, this.#at + by));
      this.update();
      reveal(event.currentTarget as HTMLElement, listed[this.#at]);
    } else if (event.key === 'Enter' && active) picked.toggle(active.index);
    else if (event.key === 'Escape' && this.#search !== '') this.#find('');
    else if (event.key === 'Escape') picked.leave();
    else return;
    event.preventDefault();
  }
}

function reveal(input: HTMLElement, choice: Choice | undefined): void {
  const list = input.nextElementSibling;
  const option = choice && list?.querySelector(`#class-${choice.index}`);
  option?.scrollIntoView({ block: 'nearest' });
}
