// SPDX-License-Identifier: Apache-2.0
/** Radio buttons side by side. */

import { html, type TemplateResult } from 'lit';

/** `group` names the radio buttons of one choice. */
export function segments<T extends string | number>(
  label: string,
  group: string,
  options: readonly T[],
  nameOf: (option: T) => string,
  chosen: T,
  choose: (option: T) => void,
): TemplateResult {
  return html`<span class="segments small" role="radiogroup" aria-label=${label}>
    ${options.map(
      (option) =>
        html`<label
          ><input
            type="radio"
            name=${group}
            value=${option}
            .checked=${option === chosen}
            @change=${() => choose(option)}
          />${nameOf(option)}</label
        >`,
    )}
  </span>`;
}
