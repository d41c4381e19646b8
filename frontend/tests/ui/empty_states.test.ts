// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { type nothing, render, type TemplateResult } from 'lit';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type State, Store } from '../../src/state/store';
import { banners, emptyState, failedState, stepState } from '../../src/ui/empty_states';
import { Failure } from '../../src/wire/api';

const UNTRUSTED = '<img src=x onerror=alert(1)>\u202e\u0000';

let root: HTMLElement;
beforeEach(() => {
  root = document.createElement('div');
  document.body.replaceChildren(root);
});

function show(template: TemplateResult | typeof nothing): void {
  render(template, root);
}

function find<T extends HTMLElement>(selector: string): T {
  const element = root.querySelector<T>(selector);
  if (element === null) throw new Error(`no ${selector} in ${root.innerHTML}`);
  return element;
}

function text(selector?: string): string {
  const element = selector === undefined ? root : find(selector);
  return (element.textContent ?? '').replace(/\s+/g, ' ').trim();
}

function stateWith(change: Partial<State>): State {
  const store = new Store();
  store.set(change);
  return store.state;
}

describe('states', () => {
  it('teach what an atlas is and how to log one', () => {
    const [retry, sample] = [vi.fn(), vi.fn()];
    show(emptyState(retry, sample));
    expect(text('pre')).toContain('from tensorboard_plugin_atlas import AtlasWriter');
    expect(text()).toContain('tensorboard-atlas inspect');
    for (const button of root.querySelectorAll('button')) button.click();
    expect(sample).toHaveBeenCalledOnce();
    expect(retry).toHaveBeenCalledOnce();
  });

  it('hand over what a person who looks into it needs', async () => {
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal('navigator', { clipboard: { writeText }, userAgent: 'Browser 1' });
    show(stepState(10, new Failure('damaged', 'blob 1: checksum', 'atlas?id=s', 422), () => {}));
    const button = [...root.querySelectorAll('button')].at(-1) as HTMLButtonElement;
    expect(button.textContent?.trim()).toBe('Copy details');
    button.click();
    await vi.waitFor(() => expect(button.textContent).toBe('Copied'));
    const copied = String(writeText.mock.calls[0]?.[0]).split('\n');
    expect(copied.slice(0, 2)).toEqual([
      'damaged: blob 1: checksum',
      'Request: atlas?id=s, status 422',
    ]);
    expect(copied.at(-1)).toBe('Browser 1');
    vi.unstubAllGlobals();
  });

  it('name the request, its status and the reason', () => {
    show(failedState(new Failure('internal', 'A fault of ours.', 'index', 500), () => {}));
    expect(text()).toContain('A fault of ours. Request index, status 500');
  });

  it.each([
    ['damaged', 'Step 4,000 is damaged'],
    ['too_new', 'Step 4,000 is from a newer version'],
    ['not_found', 'Step 4,000 is no longer kept'],
    ['unreachable', 'Step 4,000 could not be loaded'],
  ] as const)('say what is wrong with a step: %s', (kind, title) => {
    show(stepState(4000, new Failure(kind, UNTRUSTED, 'atlas?id=s'), () => {}));
    expect(text('h2')).toBe(title);
    expect(root.querySelector('img')).toBeNull();
    expect(find('.veil').dataset.failure).toBe(kind);
  });

  it('qualify a map that is drawn nevertheless', () => {
    const sheetFailure = new Failure('damaged', 'blob 3: checksum', 'sheet');
    const [retry, revive, again] = [vi.fn(), vi.fn(), vi.fn()];
    show(banners(stateWith({ renderer: 'canvas', sheetFailure }), retry, revive, again));
    expect(text()).toContain('Icons of this grid cannot be shown: blob 3: checksum');
    expect(text()).toContain('no WebGL2');
    show(banners(stateWith({ renderer: 'lost' }), retry, revive, again));
    expect(text()).toContain('lost the WebGL context of the map');
    find('button').click();
    expect(revive).toHaveBeenCalledOnce();
    expect(retry).not.toHaveBeenCalled();
    show(banners(stateWith({ source: { kind: 'sample' } }), retry, revive, again));
    expect(text()).toContain('Sample: a pretrained network is fine-tuned');
    const missing = { run: UNTRUSTED, step: '11' };
    show(banners(stateWith({ missing, step: 10 }), retry, revive, again));
    expect(text()).toContain(
      'The link names what is not in this log: run <img src=x onerror=alert(1)> (shown: none); ' +
        'step 11 (shown: 10).',
    );
    expect(root.querySelector('img')).toBeNull();
    find<HTMLButtonElement>('button').click();
    expect(again).toHaveBeenCalledOnce();
    show(banners(stateWith({}), retry, revive, again));
    expect(text()).toBe('');
  });
});
