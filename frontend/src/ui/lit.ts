// SPDX-License-Identifier: Apache-2.0
/**
 * What is bundled as `lit`: its templates without its elements. `vite.config.ts` puts this file in the place
 * of the package, whose one module would bring both.
 */

export { html, nothing, render, svg, type TemplateResult } from 'lit/html.js';
