// SPDX-License-Identifier: Apache-2.0
/** The first line of a panel: what it is, what can be done with all of it, and the way out. */

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
