// SPDX-License-Identifier: Apache-2.0
/** What the shell needs of LitElement, which brings 2 kB of reactive properties that nothing here has. */

import { render, type TemplateResult } from 'lit';

export abstract class ShellElement extends HTMLElement {
  readonly renderRoot = this.attachShadow({ mode: 'open' });
  #asked = false;

  connectedCallback(): void {
    this.requestUpdate();
  }

  /** Many calls make one rendering, after the task that is at work. */
  requestUpdate(): void {
    if (this.#asked) return;
    this.#asked = true;
    queueMicrotask(() => {
      render(this.render(), this.renderRoot);
      this.#asked = false;
      this.updated();
    });
  }

  protected abstract render(): TemplateResult;
  protected abstract updated(): void;
}

/** Adds to what the shell looks like. */
export function adopt(root: ShadowRoot, styles: readonly { readonly styleSheet: unknown }[]): void {
  const sheets = styles.flatMap(({ styleSheet }) =>
    styleSheet instanceof CSSStyleSheet ? styleSheet : [],
  );
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...sheets];
}
