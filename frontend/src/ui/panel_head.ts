// SPDX-License-Identifier: Apache-2.0
/** The header of a panel: title, actions, and close button. */

import { html, nothing, type TemplateResult } from 'lit';
import { iconButton } from './icons';

/** `key` leaves, too. */
export function panelHead(
  title: string,
  leave: string,
  key: string,
  press: () => void,
  tools: TemplateResult | typeof nothing = nothing,
): TemplateResult {
  return html`<div class="inspector-head">
    <h2>${title}</h2>
    ${tools} ${iconButton({ icon: 'close', name: leave, key, press })}
  </div>`;
}
