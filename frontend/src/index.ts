// SPDX-License-Identifier: Apache-2.0
/** TensorBoard's entry page imports this module and calls `render`; so does an exported page. */

import { AtlasApp } from './app/app';
import type { PageInfo } from './wire/exported_page';

declare const __ATLAS_VERSION__: string;

/** Fills the document with the tab; `page` describes an exported page. */
export function render(page: PageInfo | null = null): void {
  document.documentElement.lang = 'en';
  document.title = page?.title ?? 'Atlas';
  const { documentElement: root, body } = document;
  for (const element of [root, body]) {
    Object.assign(element.style, { height: '100%', margin: '0' });
  }
  const app = new AtlasApp();
  app.page = page;
  app.dataset.version = __ATLAS_VERSION__;
  body.replaceChildren(app);
}
