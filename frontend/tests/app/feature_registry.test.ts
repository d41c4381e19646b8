// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FeatureRegistry } from '../../src/app/feature_registry';
import { NearestSamples } from '../../src/domain/nearest_samples';
import type { FeatureModule } from '../../src/features/feature';
import type { AtlasMap } from '../../src/map/atlas_map';
import type { Player } from '../../src/state/player';
import type { Session } from '../../src/state/session';
import { Store } from '../../src/state/store';

/** The modules of two lazy features, and whether TensorBoard responds. */
const server = vi.hoisted(() => ({ responds: true, created: [] as string[] }));

function lazy(name: string): FeatureModule {
  if (!server.responds) throw new TypeError('not here');
  return {
    styles: `.${name} { top: 0; }`,
    create: () => {
      server.created.push(name);
      return {
        stage: () => [],
        ready: ({ said }) => said !== 'waiting',
        announce: (state, before) => (state.filter === before.filter ? null : `${name} responds`),
      };
    },
  };
}

vi.mock('../../src/features/search/search_feature', () => ({
  get search() {
    return lazy('search');
  },
}));
vi.mock('../../src/features/class_filter/class_filter_feature', () => ({
  get classFilter() {
    return lazy('class_filter');
  },
}));

let store: Store;
let root: ShadowRoot;
let arrivals: number;

beforeEach(() => {
  server.responds = true;
  server.created = [];
  store = new Store();
  arrivals = 0;
  const host = document.createElement('div');
  document.body.replaceChildren(host);
  root = host.attachShadow({ mode: 'open' });
});
afterEach(() => vi.restoreAllMocks());

function registry(): FeatureRegistry {
  const map = Object.assign(document.createElement('div'), { invalidate: () => {} });
  root.append(map);
  const context = {
    session: { store } as unknown as Session,
    map: map as unknown as AtlasMap,
    player: {} as Player,
    nearest: new NearestSamples(() => {}),
    update: () => {},
  };
  return new FeatureRegistry(context, () => {
    arrivals += 1;
  });
}

const waitForLoad = () => new Promise((resolve) => setTimeout(resolve, 20));

describe('features', () => {
  it('are waitForLoad when the state first wants them, once, with their styles', async () => {
    const features = registry();
    const sheets = root.adoptedStyleSheets.length;
    expect(server.created).toEqual([]);
    expect(features.ready(store.state)).toBe(true);
    store.set({ finding: true });
    expect(features.ready(store.state)).toBe(false);
    await waitForLoad();
    expect(features.ready(store.state)).toBe(true);
    store.set({ finding: false });
    store.set({ finding: true });
    await waitForLoad();
    expect(server.created).toEqual(['search']);
    expect(arrivals).toBe(1);
    expect(root.adoptedStyleSheets).toHaveLength(sheets + 1);
  });

  it('say whether what they show is complete', async () => {
    store.set({ finding: true });
    const features = registry();
    await waitForLoad();
    store.set({ said: 'waiting' });
    expect(features.ready(store.state)).toBe(false);
  });

  it('that a link requests are announced once they are there', async () => {
    store.set({ filter: 'top:3' });
    registry();
    await waitForLoad();
    expect(store.state.said).toBe('class_filter responds');
  });

  it('that do not arrive are closed, and waitForLoad again when they are opened again', async () => {
    const features = registry();
    server.responds = false;
    store.set({ finding: true });
    await waitForLoad();
    expect(store.state).toMatchObject({ finding: false, loadFailed: true });
    expect(store.state.said).toContain('does not respond');
    expect(features.ready(store.state)).toBe(true);
    server.responds = true;
    store.set({ finding: true });
    await waitForLoad();
    expect(server.created).toEqual(['search']);
    expect(store.state.loadFailed).toBe(false);
  });

  it('that a link requests are waitForLoad again by hand, not with every change', async () => {
    server.responds = false;
    store.set({ filter: 'top:3' });
    registry();
    await waitForLoad();
    expect(store.state).toMatchObject({ filter: 'top:3', loadFailed: true });
    server.responds = true;
    store.set({ hover: { size: 2, row: 0, col: 0 } });
    await waitForLoad();
    expect(server.created).toEqual([]);
    store.set({ loadFailed: false });
    await waitForLoad();
    expect(server.created).toEqual(['class_filter']);
  });

  it('keep their order, whichever arrives first', async () => {
    const features = registry();
    store.set({ finding: true });
    await waitForLoad();
    store.set({ filterOpen: true });
    await waitForLoad();
    expect(server.created).toEqual(['search', 'class_filter']);
    const before = store.state;
    store.set({ filter: 'top:3' });
    const result = features.find((one) => one.announce?.(store.state, before));
    expect(result).toBe('class_filter responds');
  });
});
