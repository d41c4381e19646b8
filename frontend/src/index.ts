// SPDX-License-Identifier: Apache-2.0
/** TensorBoard's entry page imports this module and calls `render`. */

import './app/app';

declare const __ATLAS_VERSION__: string;

export function render(): void {
  document.documentElement.lang = 'en';
  document.title = 'Atlas';
  const { documentElement: root, body } = document;
  for (const element of [root, body]) {
    Object.assign(element.style, { height: '100%', margin: '0' });
  }
  const app = document.createElement('atlas-app');
  app.dataset.version = __ATLAS_VERSION__;
  body.replaceChildren(app);
}
