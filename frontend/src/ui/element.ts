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

/** Adds rules to what the shell looks like. */
export function dress(root: ShadowRoot, rules: string): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(rules);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

/** What was asked for: a style sheet is fetched once, and again only where it did not arrive. */
const wardrobe = new WeakMap<ShadowRoot, Map<string, Promise<void>>>();

/**
 * The same, of the style sheet at `url`, one of ours.
 *
 * @throws TypeError, where TensorBoard does not answer.
 */
export function dressFrom(root: ShadowRoot, url: string): Promise<void> {
  const asked = wardrobe.get(root) ?? new Map<string, Promise<void>>();
  wardrobe.set(root, asked);
  const dressing = asked.get(url) ?? fetchRules(url).then((rules) => dress(root, rules));
  asked.set(url, dressing);
  dressing.catch(() => asked.delete(url));
  return dressing;
}

async function fetchRules(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new TypeError(`${response.status} in place of a style sheet`);
  return response.text();
}
