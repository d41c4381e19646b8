// SPDX-License-Identifier: Apache-2.0
/** A page for the views of panels, with a state and a session that records its calls. */

import { type nothing, render, type TemplateResult } from 'lit';
import { afterEach, beforeEach, vi } from 'vitest';
import type { Session } from '../../src/state/session';
import { type State, Store } from '../../src/state/store';
import type { Level } from '../../src/wire/atlas';
import type { RunEntry } from '../../src/wire/manifest';
import { smallAtlas } from './wire_builder';

export const atlas = smallAtlas();
export const level = atlas.levels[0] as Level;
export let root: HTMLElement;
beforeEach(() => {
  root = document.createElement('div');
  document.body.replaceChildren(root);
});
afterEach(() => {
  vi.restoreAllMocks();
});

export function show(template: TemplateResult | typeof nothing): HTMLElement {
  render(template, root);
  return root;
}

export function text(selector = ':scope'): string {
  const element = selector === ':scope' ? root : root.querySelector(selector);
  return (element?.textContent ?? '').replace(/\s+/g, ' ').trim();
}

export function find<T extends HTMLElement>(selector: string): T {
  const element = root.querySelector<T>(selector);
  if (element === null) throw new Error(`no ${selector} in ${root.innerHTML}`);
  return element;
}

export function run(name: string, ...layers: string[]): RunEntry {
  const series = layers.map((layer, i) => ({
    id: `${name}/${i}`,
    layer,
    steps: [0, 1000, 4000],
    wallTimes: [1.7e9, 1.7e9 + 60, 1.7e9 + 120],
    versions: ['a', 'b', 'c'],
    shortcuts: [],
  }));
  return { id: `id-${name}`, run: name, probe: true, series };
}

export function stateWith(change: Partial<State>): State {
  const first = run('exp/atlas', 'layer3', 'layer4');
  const store = new Store();
  store.set({
    phase: 'ready',
    runs: [first],
    run: first,
    series: first.series[0] ?? null,
    step: 1000,
    atlas,
    shownLevel: 2,
    busy: false,
    ...change,
  });
  return store.state;
}

export function sessionSpy(): Session & { readonly calls: unknown[][] } {
  const calls: unknown[][] = [];
  const note =
    (name: string) =>
    (...values: unknown[]) =>
      calls.push([name, ...values]);
  const session = {
    calls,
    store: { set: note('set') },
    pages: {
      icon: () => null,
      thumbs: () => null,
      thumbFailure: () => null,
    },
    chooseRun: note('run'),
    chooseSeries: note('series'),
    chooseStep: note('step'),
    acceptFreshSteps: note('fresh'),
    stepBy: note('by'),
    toggle: note('play'),
  };
  return session as unknown as Session & { readonly calls: unknown[][] };
}
