// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  describeLinkedCells,
  LinkedHighlight,
  type View,
} from '../../../src/features/panes/linked_highlight';
import { slotsOf } from '../../../src/features/panes/pane_slots';
import { PanesController } from '../../../src/features/panes/panes_controller';
import { AtlasMap } from '../../../src/map/atlas_map';
import { showLayer } from '../../../src/state/layer_navigation';
import { addPane, closePane } from '../../../src/state/pane_specs';
import { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import type { Level } from '../../../src/wire/atlas';
import {
  atlasBytes,
  binary,
  type FakeServer,
  failure,
  settle,
  soundServer,
} from '../../helpers/fake_server';
import { layerLevelOf, repeat } from '../../helpers/layer_fixtures';
import {
  pack,
  safetensors,
  smallManifest,
  smallProvenance,
  smallTensors,
} from '../../helpers/wire_builder';

describe('slots', () => {
  it('are side by side on a wide stage, and in two rows if maps are larger then', () => {
    expect(slotsOf(2, 1280, 640).map(({ left, width }) => [left, width])).toEqual([
      [0, 640],
      [640, 640],
    ]);
    expect(slotsOf(4, 1280, 900).map(({ left, top }) => [left, top])).toEqual([
      [0, 0],
      [640, 0],
      [0, 450],
      [640, 450],
    ]);
    expect(new Set(slotsOf(4, 1900, 560).map(({ top }) => top))).toEqual(new Set([0]));
    // Side by side they would be larger, and their choices not to be read.
    expect(slotsOf(2, 500, 600).map(({ top }) => top)).toEqual([0, 300]);
    expect(slotsOf(3, 0, 0)).toHaveLength(3);
  });
});

describe('linked highlight', () => {
  const place = { size: 4, row: 0, col: 0 };
  const mid = layerLevelOf(repeat([0, 5], 4));
  const late = layerLevelOf([1, 1, 1, 2, 2, 2, 2, 3], { layer: 'late' });
  const viewOf = ({ atlas, level }: { atlas: typeof mid.atlas; level: Level }): View => {
    const store = new Store();
    store.set({ atlas });
    const map = { scene: { atlas, level }, matches: () => true };
    return { session: { store }, map } as unknown as View;
  };
  const point = (view: View, links: LinkedHighlight, change: object) => {
    const before = view.session.store.state;
    view.session.store.set(change);
    return links.follow(view, view.session.store.state, before);
  };

  it('is of the cell that is pointed at, else of the one pinned last', () => {
    const [a, b] = [viewOf(mid), viewOf(late)];
    const links = new LinkedHighlight(() => [a, b]);
    expect(links.source).toBeNull();
    expect(links.sentence()).toBeNull();
    expect(point(a, links, { pinned: place })).toBe(true);
    expect(links.source?.view).toBe(a);
    point(b, links, { pinned: { size: 4, row: 0, col: 1 } });
    expect(links.source?.view).toBe(b);
    point(a, links, { hover: place });
    expect(links.source?.view).toBe(a);
    expect(point(a, links, { busy: false })).toBe(false);
  });

  it('says where, and how much', () => {
    const [a, b] = [viewOf(mid), viewOf(late)];
    const links = new LinkedHighlight(() => [a, b]);
    point(a, links, { hover: place });
    const linked = links.linkedCellsIn(b);
    expect(linked && describeLinkedCells(linked, b)).toBe(
      'highlighted in late: row 1, column 2 holds 75%; 2 cells highlighted',
    );
    expect(links.linkedCellsIn(a)).toBeNull();
    expect(links.painters(a)).toEqual([]);
    expect(links.painters(b)).toHaveLength(1);
    expect(links.sentence()).toBe(
      'row 1, column 1, 4 samples; in pane 2 highlighted in late: row 1, column 2 holds 75%; 2 cells highlighted',
    );
  });

  it('is refused between unequal recipes, until it is requested nevertheless', () => {
    const recipe = (settings: object, probe: string) =>
      layerLevelOf([1, 1, 1, 2, 2, 2, 2, 3], {
        layer: 'late',
        manifest: { provenance: smallProvenance({ settings, probe }) },
      });
    const [a, b, c] = [
      viewOf(mid),
      viewOf(recipe({ neighbors: 30 }, 'aa')),
      viewOf(recipe({}, 'bb')),
    ];
    const links = new LinkedHighlight(() => [a, b, c]);
    point(a, links, { hover: place });
    expect(links.linkedCellsIn(b)).toEqual(['neighbors (15 and 30)']);
    expect(describeLinkedCells(links.linkedCellsIn(b) ?? [], b)).toBe(
      'not linked: the settings differ',
    );
    expect(links.painters(b)).toEqual([]);
    links.anyway = true;
    expect(links.linkedCellsIn(b)).toMatchObject({ best: 0 });
    expect(links.linkedCellsIn(c)).toHaveLength(2);
  });

  it('reports that nothing is highlighted', () => {
    const nowhere = layerLevelOf(repeat([1, 2], 4), { layer: 'late' });
    nowhere.level.cellOf.fill(-1);
    const [a, b] = [viewOf(mid), viewOf(nowhere)];
    const links = new LinkedHighlight(() => [a, b]);
    point(a, links, { hover: place });
    const linked = links.linkedCellsIn(b);
    expect(linked && describeLinkedCells(linked, b)).toBe(
      'nothing is highlighted in late: no visible cell holds its samples',
    );
  });
});

describe('the part', () => {
  let server: FakeServer;
  let session: Session;
  let stage: HTMLElement;
  let map: AtlasMap;
  let part: PanesController;

  beforeEach(async () => {
    vi.stubGlobal(
      'ResizeObserver',
      class {
        observe(): void {}
        disconnect(): void {}
      },
    );
    server = soundServer();
    server.install();
    session = new Session(new Store(), {
      read: () => ({ layer: 'layer3', step: '10' }),
      watch: () => {},
      write: () => {},
    });
    await session.start();
    await settle();
    map = new AtlasMap();
    stage = document.createElement('div');
    stage.append(map);
    document.body.replaceChildren(stage);
  });
  afterEach(() => vi.unstubAllGlobals());

  const begin = async (panes: string) => {
    session.store.set({ panes });
    part = new PanesController(session, map, show, () => []);
    await settle();
    show();
  };
  const root = document.createElement('div');
  const show = () => {
    const drawn = part?.panes(session.store.state);
    if (drawn) render(drawn, root);
  };
  const bars = () =>
    [...root.querySelectorAll<HTMLElement>('.pane')].map((pane) =>
      [...pane.querySelectorAll('select')].map(({ value }) => value),
    );
  const pick = async (label: string, value: string) => {
    const id = [...root.querySelectorAll('label')].find(
      (one) => one.textContent === label,
    )?.htmlFor;
    const select = root.querySelector<HTMLSelectElement>(`#${id}`);
    if (!select) throw new Error(`no ${label}`);
    select.value = value;
    select.dispatchEvent(new Event('change'));
    await settle();
    show();
  };

  it('fills in the requested pane and writes it in full', async () => {
    await begin('+');
    expect(session.store.state.panes).toBe('layer4,,exp%2Fatlas');
    expect(bars()).toEqual([
      ['r1', 's1', '10'],
      ['r1', 's2', ''],
    ]);
    expect(server.of('atlas')).toEqual(['atlas?id=s1&step=10', 'atlas?id=s2&step=10']);
    expect(session.store.state.said).toBe('2 panes side by side');
  });

  it('moves a pane that follows and leaves one that is fixed', async () => {
    await begin('layer4;layer4,40');
    session.chooseStep(0);
    await settle();
    show();
    const labels = [...root.querySelectorAll('atlas-map')].map((one) =>
      one.getAttribute('aria-label'),
    );
    expect(labels).toEqual([
      'Activation atlas of layer4 at step 0',
      'Activation atlas of layer4 at step 40',
    ]);
    await pick('Step of pane 2', '40');
    expect(session.store.state.panes).toBe('layer4,40,exp%2Fatlas;layer4,40,exp%2Fatlas');
    await pick('Step of pane 3', '');
    expect(session.store.state.panes).toBe('layer4,40,exp%2Fatlas;layer4,,exp%2Fatlas');
  });

  it('changes the layer of one pane alone, and shares what was fetched', async () => {
    await begin('layer4');
    await pick('Layer of pane 2', 's1');
    expect(session.store.state).toMatchObject({
      panes: 'layer3,,exp%2Fatlas',
      series: { id: 's1' },
    });
    expect(server.of('atlas').filter((one) => one.includes('id=s1'))).toHaveLength(1);
    await pick('Layer of pane 1', 's2');
    expect(session.store.state).toMatchObject({
      panes: 'layer3,,exp%2Fatlas',
      series: { id: 's2' },
    });
  });

  it('closes any pane and keeps the maps of the others', async () => {
    await begin('layer3;layer4');
    const [, last] = root.querySelectorAll('.pane-map > atlas-map');
    root.querySelector<HTMLElement>('[aria-label="Close pane 2"]')?.click();
    await settle();
    show();
    expect(session.store.state.panes).toBe('layer4,,exp%2Fatlas');
    expect(root.querySelector('.pane-map > atlas-map')).toBe(last);
    closePane(session);
    expect(part.panes(session.store.state)).not.toBeUndefined();
    expect(session.store.state.panes).toBe('');
    expect(part.ready()).toBe(true);
  });

  it('has one camera where places mean the same', async () => {
    await begin('layer3,40;layer4');
    const near = { x: 0.2, y: 0.3, z: 4 };
    session.store.set({ camera: near });
    const [same, other] = part.openPanes;
    expect(same?.state.camera).toEqual(near);
    expect(other?.state.camera).not.toEqual(near);
    const back = { x: 0.6, y: 0.6, z: 2 };
    same?.session.store.set({ camera: back });
    expect(session.store.state.camera).toEqual(back);
    other?.session.store.set({ camera: near });
    expect(session.store.state.camera).toEqual(back);
  });

  it('has one scale and grid where places mean the same, and its own elsewhere', async () => {
    await begin('layer3,40;layer4');
    const extent = { across: 0.8, down: 0.6 };
    session.store.set({ extent, shownLevel: 4 });
    const [same, other] = part.openPanes;
    expect(same?.state).toMatchObject({ extent, level: 4 });
    expect(other?.state).toMatchObject({ extent: { across: 1, down: 1 }, level: 'auto' });
    session.store.set({ level: 2 });
    expect([same?.state.level, other?.state.level]).toEqual([2, 2]);
  });

  it('begins where the first one stands, where places mean the same', async () => {
    const near = { x: 0.2, y: 0.3, z: 4 };
    session.store.set({ camera: near });
    await begin('layer3,40;layer4');
    expect(part.openPanes[0]?.state.camera).toEqual(near);
    expect(part.openPanes[1]?.state.camera).not.toEqual(near);
  });

  it('mirrors what is chosen for all', async () => {
    await begin('layer4');
    session.store.set({ color: 'purity', show: 'both', level: 2, dark: true });
    expect(part.openPanes[0]?.state).toMatchObject({
      color: 'purity',
      show: 'both',
      level: 2,
      dark: true,
    });
  });

  it('says why a pane is empty, and requests again', async () => {
    server.set('atlas?id=s2&step=10', () => failure(422, 'damaged', 'torn'));
    await begin('layer4');
    expect(root.querySelector('.pane .veil')?.textContent).toContain('torn');
    expect(part.ready()).toBe(true);
    server.set('atlas?id=s2&step=10', () => binary(atlasBytes(10)));
    root.querySelector<HTMLElement>('.veil button')?.click();
    await settle();
    show();
    expect(root.querySelector('.pane .veil')).toBeNull();
  });

  it('refuses to link other recipes, names them, and links what both hold on request', async () => {
    const other = smallProvenance({ settings: { neighbors: '<b>30</b>' } });
    const bytes = pack(
      { ...smallManifest(), step: 10, provenance: other },
      safetensors(smallTensors()),
    );
    server.set('atlas?id=s2&step=10', () => binary(bytes));
    await begin('layer4');
    const refusal = root.querySelector('.not-linked');
    expect(refusal?.querySelector('li')?.textContent).toBe('neighbors (15 and "<b>30</b>")');
    refusal?.querySelector('button')?.click();
    show();
    expect(root.querySelector('.not-linked')).toBeNull();
  });

  it('offers no link between two probes', async () => {
    const other = smallProvenance({ probe: 'bb' });
    const bytes = pack(
      { ...smallManifest(), step: 10, provenance: other },
      safetensors(smallTensors()),
    );
    server.set('atlas?id=s2&step=10', () => binary(bytes));
    await begin('layer4');
    expect(root.querySelector('.not-linked button')).toBeNull();
    expect(root.querySelector('.not-linked')?.textContent).toContain('probe (aa and bb)');
  });

  it('handles its own keys and passes on the rest', async () => {
    await begin('layer4;layer4,10');
    const heard: string[] = [];
    map.addEventListener('keydown', ({ key }) => heard.push(key));
    const maps = root.querySelectorAll<AtlasMap>('.pane-map > atlas-map');
    const press = async (at: number, key: string) => {
      maps[at]?.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }));
      await settle();
      show();
    };
    await press(0, 'f');
    await press(0, '.');
    await press(0, '+');
    expect(heard).toEqual(['f', '.']);
    await press(1, '.');
    expect(session.store.state.panes).toBe('layer4,,exp%2Fatlas;layer4,40,exp%2Fatlas');
    await press(1, 'PageDown');
    expect(session.store.state.panes).toBe('layer4,,exp%2Fatlas;layer3,40,exp%2Fatlas');
    await press(0, 'w');
    expect(session.store.state.panes).toBe('layer3,40,exp%2Fatlas');
    expect(heard).toEqual(['f', '.']);
  });

  it('is opened and closed by the state', async () => {
    addPane(session);
    expect(session.store.state.panes).toBe('+');
    session.store.set({ panes: 'a;b;c' });
    addPane(session);
    expect(session.store.state).toMatchObject({
      panes: 'a;b;c',
      said: 'There is room for 4 panes.',
    });
    closePane(session);
    expect(session.store.state.panes).toBe('a;b');
    showLayer(session, 1);
    expect(session.store.state.series?.layer).toBe('layer4');
    showLayer(session, 1);
    expect(session.store.state.series?.layer).toBe('layer4');
  });
});
