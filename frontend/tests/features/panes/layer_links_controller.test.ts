// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom

import { html, render } from 'lit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeCell } from '../../../src/domain/cell_stats';
import type { LayerLevel } from '../../../src/domain/comparison/layer_links';
import type { FeatureContext } from '../../../src/features/feature';
import { LayerLinksController } from '../../../src/features/panes/layer_links_controller';
import { layerLinksToggle } from '../../../src/features/panes/layer_links_toggle_feature';
import type { AtlasMap } from '../../../src/map/atlas_map';
import { REVEAL, type Reveal } from '../../../src/map/reveal_cell_event';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import type { CellContext } from '../../../src/ui/cell_view';
import { Failure } from '../../../src/wire/api';
import type { RunEntry } from '../../../src/wire/manifest';
import { FakeServer, failure, settle } from '../../helpers/fake_server';
import { EACH, layerLevelOf, repeat } from '../../helpers/layer_fixtures';

const seriesOf = (id: string, layer: string) => ({
  id,
  layer,
  steps: [7],
  wallTimes: [0],
  versions: ['a'],
  shortcuts: [],
});
const run: RunEntry = {
  id: 'r1',
  run: 'exp/atlas',
  probe: true,
  series: [seriesOf('s1', 'block1'), seriesOf('s2', 'block2'), seriesOf('s3', 'block10')],
};
const half = EACH / 2;
const below = layerLevelOf([...repeat([0], EACH), ...repeat([1], EACH), ...repeat([2], EACH)]);
const own = layerLevelOf(repeat([4, 5, 6], EACH), { layer: 'block2' });
const above = layerLevelOf([...repeat([8, 9], half), ...repeat([10], EACH), ...repeat([11], EACH)]);

let store: Store;
let map: HTMLElement & { flyTo: () => void };
let layers: Record<string, LayerLevel | Failure>;
let part: LayerLinksController;
const root = document.createElement('div');

const show = () => {
  const { state } = store;
  const { atlas, level } = own;
  const facts = describeCell(atlas, level, 1, 0);
  const context = { state, session, atlas, level, facts } as unknown as CellContext;
  render(
    html`${layerLinksToggle.create({} as FeatureContext).inspectorSection?.(context)}${part.inspectorSection(context)}`,
    root,
  );
};
const session = {
  get store() {
    return store;
  },
  pages: { icon: () => null },
  loadAtlas: async ({ id }: { id: string }) => {
    const layer = layers[id];
    if (layer instanceof Failure) throw layer;
    return layer?.atlas;
  },
  chooseSeries: vi.fn(),
} as unknown as Session;

beforeEach(() => {
  const server = new FakeServer();
  server.install();
  server.set('activations', () => failure(422, 'damaged', 'torn'));
  store = new Store();
  store.set({ run, series: run.series[1] ?? null, step: 7, across: true });
  Object.assign(own.atlas, { series: 's2' });
  layers = { s1: below, s3: above };
  map = Object.assign(document.createElement('div'), { flyTo: vi.fn() });
  part = new LayerLinksController(session, map as unknown as AtlasMap, () => show());
  vi.mocked(session.chooseSeries).mockReset();
});
afterEach(() => vi.unstubAllGlobals());

const open = async () => {
  show();
  await settle();
  show();
};
const lists = () =>
  [...root.querySelectorAll('.across-list')].map((list) =>
    (list.textContent ?? '').replace(/\s+/g, ' ').trim(),
  );

describe('across layers', () => {
  it('is offered where a layer has others beside it, and closed by the same button', () => {
    show();
    const button = root.querySelector<HTMLElement>('.across');
    expect(button?.ariaExpanded ?? button?.getAttribute('aria-expanded')).toBe('true');
    button?.click();
    show();
    expect(store.state.across).toBe(false);
    expect(lists()).toEqual([]);
    store.set({ run: { ...run, series: run.series.slice(1, 2) } });
    show();
    expect(root.querySelector('.across')).toBeNull();
  });

  it('lists the cells of both layers, the strongest first', async () => {
    show();
    expect(lists()[0]).toContain('Loading …');
    await open();
    expect(lists()).toEqual([
      'Next layer: block10 no icon row 3, column 1 50% no icon row 3, column 2 50%',
      'Previous layer: block1 no icon row 1, column 1 100%',
      'Cells that merge in block10 torn',
    ]);
  });

  it('goes to a cell in the pane that shows it, or else on the map', async () => {
    await open();
    const first = root.querySelector<HTMLElement>('.cell-button');
    first?.click();
    expect(session.chooseSeries).toHaveBeenCalledWith('s3');
    expect(store.state.pinned).toEqual({ size: 4, row: 2, col: 0 });
    const requests: Reveal[] = [];
    map.addEventListener(REVEAL, (event) => {
      requests.push((event as CustomEvent<Reveal>).detail);
      event.preventDefault();
    });
    store.set({ pinned: null });
    first?.click();
    expect(requests).toEqual([{ series: 's3', step: 7, place: { size: 4, row: 2, col: 0 } }]);
    expect(store.state.pinned).toBeNull();
  });

  it('says why a layer cannot be read against this one', async () => {
    const foreign = { ...below.atlas.manifest, probeDigest: 'bb' };
    layers = { s1: new Failure('damaged', 'torn', 'atlas?x'), s3: own };
    await open();
    expect(lists()[1]).toBe('Previous layer: block1 torn');
    layers = { s1: { ...below, atlas: { ...below.atlas, levels: [] } }, s3: own };
    part = new LayerLinksController(session, map as unknown as AtlasMap, () => show());
    await open();
    expect(lists()[1]).toBe('Previous layer: block1 block1 has no 4 × 4 grid.');
    layers = { s1: { ...below, atlas: { ...below.atlas, manifest: foreign } }, s3: own };
    part = new LayerLinksController(session, map as unknown as AtlasMap, () => show());
    await open();
    expect(lists()[1]).toContain('It uses another probe');
  });

  it('says so where a cell has spread', async () => {
    layers = { s1: layerLevelOf(repeat([0], 3 * EACH)), s3: above };
    await open();
    expect(lists()[1]).toBe(
      'Previous layer: block1 No cell there holds more of its samples than expected by chance.',
    );
  });
});
