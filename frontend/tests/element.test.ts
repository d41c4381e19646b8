// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { css, html, type TemplateResult } from 'lit';
import { describe, expect, it } from 'vitest';
import { adopt, ShellElement } from '../src/element';

class Probe extends ShellElement {
  text = 'first';
  readonly drawn: string[] = [];
  /** Asks for another drawing out of the first one. */
  insists = false;

  protected override render(): TemplateResult {
    if (this.insists) this.requestUpdate();
    return html`<p>${this.text}</p>`;
  }

  protected override updated(): void {
    this.drawn.push(this.renderRoot.textContent ?? '');
  }
}
customElements.define('atlas-probe', Probe);

async function attached(): Promise<Probe> {
  const probe = document.createElement('atlas-probe') as Probe;
  document.body.replaceChildren(probe);
  await Promise.resolve();
  return probe;
}

describe('the shell', () => {
  it('draws once it is attached, then on request, and tells of it', async () => {
    const probe = await attached();
    expect(probe.drawn).toEqual(['first']);
    probe.text = '<b>second</b>';
    probe.requestUpdate();
    probe.requestUpdate();
    expect(probe.drawn).toEqual(['first']);
    await Promise.resolve();
    expect(probe.drawn).toEqual(['first', '<b>second</b>']);
    expect(probe.renderRoot.querySelector('b')).toBeNull();
  });

  it('takes a request out of its own drawing for part of it', async () => {
    const probe = await attached();
    probe.insists = true;
    probe.requestUpdate();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(probe.drawn).toHaveLength(2);
  });

  it('adds styles and keeps those it has', async () => {
    const { renderRoot } = await attached();
    const [one, two] = [css`p { color: red; }`, css`p { top: 0; }`];
    adopt(renderRoot, [one]);
    adopt(renderRoot, [two]);
    expect(renderRoot.adoptedStyleSheets).toEqual([one.styleSheet, two.styleSheet]);
    expect(one.styleSheet?.cssRules).toHaveLength(1);
  });
});
