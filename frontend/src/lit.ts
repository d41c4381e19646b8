// SPDX-License-Identifier: Apache-2.0
/**
 * What is bundled as `lit`: its templates without its elements. `vite.config.ts` puts this file in the place
 * of the package, whose one module would bring both.
 */

export { html, nothing, render, svg, type TemplateResult } from 'lit/html.js';

export interface CSSResult {
  readonly styleSheet: CSSStyleSheet;
}

/** A style sheet of text that stands in our sources, nothing else. */
export function css([text]: TemplateStringsArray): CSSResult {
  const styleSheet = new CSSStyleSheet();
  styleSheet.replaceSync(text ?? '');
  return { styleSheet };
}
