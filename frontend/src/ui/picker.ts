// SPDX-License-Identifier: Apache-2.0
/** A labeled drop-down list, optionally with groups. */

import { html, type TemplateResult } from 'lit';
import { shorten } from '../util/format';

/** Names come from logs and may be of any length; the whole name is in the tooltip up to this. */
const SHOWN_NAME = 60;

const TOOLTIP_NAME = 400;

export interface Option {
  readonly value: string;
  readonly label: string;
  readonly disabled?: boolean;
  /** Heading of the group that begins with it or that it belongs to. */
  readonly group?: string;
  /** The tooltip, if it differs from the label. */
  readonly whole?: string;
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
