// SPDX-License-Identifier: Apache-2.0
/** The hint while a selection tool is active, or a notice. */

import { html, nothing, type TemplateResult } from 'lit';
import type { State } from '../../state/store';

const HINTS = {
  lasso: 'Draw around samples. Esc cancels.',
  block: 'Drag a rectangle, or use arrow keys and Enter. Esc cancels.',
} as const;

export function toolHint({ tool, notice }: State): TemplateResult | typeof nothing {
  const hint = notice || (tool && HINTS[tool]);
  return hint === '' ? nothing : html`<p class="tool-hint panel">${hint}</p>`;
}
