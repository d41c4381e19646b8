// SPDX-License-Identifier: Apache-2.0
/** Icons of buttons, 24 units wide, and the button that shows one. */

import { html, nothing, svg, type TemplateResult } from 'lit';

const PATHS = {
  play: 'M8 5v14l11-7z',
  pause: 'M6 5h4v14H6zm8 0h4v14h-4z',
  previous: 'M15.4 7.4 14 6l-6 6 6 6 1.4-1.4L10.8 12z',
  next: 'M8.6 16.6 10 18l6-6-6-6-1.4 1.4 4.6 4.6z',
  plus: 'M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z',
  minus: 'M5 11h14v2H5z',
  fit: 'M4 4h6v2H6v4H4zm10 0h6v6h-2V6h-4zM4 14h2v4h4v2H4zm14 0h2v6h-6v-2h4z',
  help: 'M11 18h2v2h-2zM7 8a5 5 0 1 1 6 5v3h-2v-5a3 3 0 1 0-2-3z',
  events:
    'M4 6.5a2 2 0 1 1 4 0 2 2 0 0 1-4 0m0 11a2 2 0 1 1 4 0 2 2 0 0 1-4 0m7-12h9v2h-9zm0 11h9v2h-9zM5 9h2v6H5zm6 2h6v2h-6z',
  drift: 'M4 18.6 15.6 7H8V5h11v11h-2V8.4L5.4 20z',
  compare: 'M11 3h2v18h-2zM3 6h6v2H5v8h4v2H3zm12 0h6v12h-6z',
  filter: 'M3 5h18l-7 8v6l-4 2v-8z',
  swap: 'M7 4 3 8l4 4V9h12V7H7zm10 8v3H5v2h12v3l4-4z',
  close:
    'M18.3 7.1 16.9 5.7 12 10.6 7.1 5.7 5.7 7.1l4.9 4.9-4.9 4.9 1.4 1.4 4.9-4.9 4.9 4.9 1.4-1.4-4.9-4.9z',
} as const;

/** One of the signs above, or the path of one that stands where it is used. */
type IconName = keyof typeof PATHS | `M${string}`;

/** Of what a person keeps in sight. */
export const SELECTION_ICON = 'M6 3h12v18l-6-4-6 4zm2 2v12.3l4-2.7 4 2.7V5z';

function icon(name: IconName): TemplateResult {
  const path = PATHS[name as keyof typeof PATHS] ?? name;
  return html`<svg viewBox="0 0 24 24" aria-hidden="true">${svg`<path d=${path} />`}</svg>`;
}

export interface IconButton {
  readonly icon: IconName;
  /** Its accessible name; with the key, also its tooltip. */
  readonly name: string;
  readonly key?: string;
  readonly disabled?: boolean;
  readonly extra?: string;
  /** For a button that stays down. */
  readonly pressed?: boolean;
  readonly press: () => void;
}

export function iconButton(button: IconButton): TemplateResult {
  const { name, key, extra = '', disabled = false, press } = button;
  return html`<button
    type="button"
    class="icon-button ${extra}"
    aria-label=${name}
    aria-pressed=${button.pressed ?? nothing}
    title=${key === undefined ? name : `${name} (${key})`}
    ?disabled=${disabled}
    @click=${press}
  >
    ${icon(button.icon)}
  </button>`;
}
