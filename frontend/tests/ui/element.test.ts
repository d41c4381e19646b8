// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { html, type TemplateResult } from 'lit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { dress, dressFrom, ShellElement } from '../../src/ui/element';

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

function looks({ adoptedStyleSheets }: ShadowRoot): string[] {
  return adoptedStyleSheets.flatMap(({ cssRules }) => [...cssRules].map((rule) => rule.cssText));
}

afterEach(() => vi.unstubAllGlobals());

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
    dress(renderRoot, 'p { color: red; }');
    dress(renderRoot, 'p { top: 0; }');
    expect(looks(renderRoot)).toEqual(['p { color: red; }', 'p { top: 0px; }']);
  });

  it('fetches a style sheet once, however often it is asked for', async () => {
    const { renderRoot } = await attached();
    const fetched = vi.fn(async () => new Response('p { color: red; }'));
    vi.stubGlobal('fetch', fetched);
    await Promise.all([dressFrom(renderRoot, 'a.css'), dressFrom(renderRoot, 'a.css')]);
    await dressFrom(renderRoot, 'a.css');
    expect(fetched).toHaveBeenCalledTimes(1);
    expect(looks(renderRoot)).toEqual(['p { color: red; }']);
  });

  it('asks again for a style sheet that did not arrive', async () => {
    const { renderRoot } = await attached();
    const answers = [new Response('not here', { status: 503 }), new Response('p { color: red; }')];
    vi.stubGlobal('fetch', async () => answers.shift());
    await expect(dressFrom(renderRoot, 'a.css')).rejects.toThrow('503');
    expect(looks(renderRoot)).toEqual([]);
    await dressFrom(renderRoot, 'a.css');
    expect(looks(renderRoot)).toEqual(['p { color: red; }']);
  });
});
