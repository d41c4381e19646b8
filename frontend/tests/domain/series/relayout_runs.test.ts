// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { nothing, render } from 'lit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { layoutSwitch } from '../../../src/app/layout_switch';
import { topBar } from '../../../src/app/top_bar';
import {
  findOtherLayout,
  findProbeRun,
  folderOf,
  isRelayout,
  shareLayout,
} from '../../../src/domain/series/relayout_runs';
import type { Address } from '../../../src/host/tensorboard';
import type { HashValues } from '../../../src/host/url_hash';
import { followCell, otherLayout, switchLayout } from '../../../src/state/layout_choice';
import { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import type { RunEntry } from '../../../src/wire/manifest';
import {
  atlasBytes,
  binary,
  type FakeServer,
  indexJson,
  json,
  settle,
  soundServer,
} from '../../helpers/fake_server';
import {
  pack,
  safetensors,
  smallAtlas,
  smallManifest,
  smallTensors,
  tensor,
} from '../../helpers/wire_builder';

function run(name: string, layers: readonly string[] = ['layer3'], probe = true): RunEntry {
  const series = layers.map((layer) => ({
    id: `${name}/${layer}`,
    layer,
    steps: [0, 10, 40],
    wallTimes: [0, 1, 2],
    versions: ['a', 'b', 'c'],
    shortcuts: [],
  }));
  return { id: name, run: name, probe, series };
}

describe('places', () => {
  const atlasInViewport = (x0: number, layer = 'layer3') =>
    smallAtlas({ layer, viewport: { x0, y0: 0, x1: 9, y1: 9 } });

  it('are shared within one layer and frame, whatever the run', () => {
    expect(shareLayout(atlasInViewport(1), { ...atlasInViewport(1), series: 's9' })).toBe(true);
    expect(shareLayout(atlasInViewport(1), atlasInViewport(1.5))).toBe(false);
    expect(shareLayout(atlasInViewport(1), atlasInViewport(1, 'layer4'))).toBe(false);
  });

  it('without a frame are those of one series', () => {
    expect(shareLayout(smallAtlas(), smallAtlas())).toBe(true);
    expect(shareLayout(smallAtlas(), { ...smallAtlas(), series: 's9' })).toBe(false);
    expect(shareLayout(smallAtlas(), atlasInViewport(1))).toBe(false);
  });
});

describe('names of layouts', () => {
  it('say which folder people know, and which layout it is', () => {
    expect(['exp/atlas', 'atlas', 'exp'].map(folderOf)).toEqual(['exp', '', 'exp']);
    expect(['exp/backwards', 'exp/backwards/atlas', 'backwards'].map(isRelayout)).toEqual([
      true,
      true,
      true,
    ]);
    expect(['exp/atlas', 'walked_backwards', 'backwards/exp'].map(isRelayout)).toEqual([
      false,
      false,
      false,
    ]);
  });

  it.each([
    ['exp/atlas', 'exp/backwards'],
    ['exp/atlas', 'exp/backwards/atlas'],
    ['exp/atlas', 'exp/atlas/backwards'],
    ['exp', 'exp/backwards'],
    ['atlas', 'backwards'],
    ['atlas', 'atlas/backwards'],
    ['.', 'backwards'],
  ])('pair %s with %s', (first, again) => {
    const runs = [run('other/atlas'), run(first), run(again), run('other/backwards')];
    expect(findOtherLayout(runs, run(first))).toBe(runs[2]);
    expect(findOtherLayout(runs, run(again))).toBe(runs[1]);
  });

  it('pair nothing that stands alone, or is another thing of that name', () => {
    const runs = [run('a/atlas'), run('b/backwards'), run('c/atlas', ['layer3'])];
    for (const one of runs) expect(findOtherLayout(runs, one)).toBeNull();
    const strange = run('c/backwards', ['layer9']);
    expect(findOtherLayout([...runs, strange], strange)).toBeNull();
    const bare = run('a/backwards', []);
    expect(findOtherLayout([...runs, bare], runs[0] as RunEntry)).toBeNull();
  });

  it('share a probe', () => {
    const [first, again] = [run('a/atlas'), run('a/backwards', ['layer3'], false)];
    expect(findProbeRun([first, again], again)).toBe(first);
    expect(findProbeRun([first, again], first)).toBe(first);
    expect(findProbeRun([again], again)).toBeNull();
  });
});

describe('a cell in the other layout', () => {
  const from = smallAtlas();
  const grid = (...cellOf: number[]) =>
    smallAtlas({}, { 'grid2.cell_of': tensor('I32', new Int32Array(cellOf)) });

  it('is where most of its samples are', () => {
    const place = { size: 2, row: 0, col: 0 };
    expect(followCell(from, grid(1, 1, 0, 0, -1, -1), place)).toEqual({ size: 2, row: 1, col: 1 });
    expect(followCell(from, from, place)).toEqual(place);
  });

  it('is nowhere when they are in no cell, or there is no such grid', () => {
    const place = { size: 2, row: 0, col: 0 };
    expect(followCell(from, grid(-1, -1, -1, 0, 1, 1), place)).toBeNull();
    expect(followCell(from, { ...from, levels: [] }, place)).toBeNull();
  });

  it('stays where it was when it held nothing', () => {
    const empty = { size: 2, row: 0, col: 1 };
    expect(followCell(from, from, empty)).toEqual(empty);
  });
});

describe('the switch', () => {
  let server: FakeServer;
  let root: HTMLElement;
  beforeEach(() => {
    server = soundServer();
    const series = (id: string) => [{ id, layer: 'layer3', steps: [0, 10, 40] }];
    server.set('index', () =>
      json(
        indexJson(
          { id: 'r1', run: 'exp/atlas', series: series('s1') },
          { id: 'r2', run: 'exp/backwards', series: series('s5') },
          { id: 'r3', run: 'other/atlas', series: series('s2') },
        ),
      ),
    );
    const turned = {
      ...smallTensors(),
      'grid2.cell_of': tensor('I32', new Int32Array([1, 1, 1, 0, 0, -1])),
      'grid2.counts': tensor('I32', new Int32Array([2, 3])),
    };
    server.set('atlas?id=s5&step=10', () =>
      binary(pack({ ...smallManifest(), step: 10 }, safetensors(turned))),
    );
    server.set('atlas?id=s5&step=40', () => binary(atlasBytes(40)));
    server.install();
    root = document.createElement('div');
    document.body.replaceChildren(root);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  async function start(values: HashValues): Promise<Session> {
    const address = { read: () => values, watch: () => {}, write: () => {} };
    const session = new Session(new Store(), address as unknown as Address);
    await session.start();
    await settle();
    return session;
  }

  it('keeps layer and step, and follows the samples of the pinned cell', async () => {
    const session = await start({ run: 'exp/atlas', layer: 'layer3', step: '10' });
    session.store.set({ pinned: { size: 2, row: 0, col: 0 } });
    await switchLayout(session);
    expect(session.store.state).toMatchObject({
      run: { id: 'r2' },
      series: { id: 's5' },
      step: 10,
      pinned: { size: 2, row: 1, col: 1 },
    });
    await switchLayout(session);
    expect(session.store.state).toMatchObject({
      run: { id: 'r1' },
      step: 10,
      pinned: { size: 2, row: 0, col: 0 },
    });
  });

  it('leaves a choice alone that is made while it loads', async () => {
    const session = await start({ run: 'exp/atlas', step: '10' });
    session.store.set({ pinned: { size: 2, row: 0, col: 0 } });
    const switched = switchLayout(session);
    session.chooseStep(40);
    await switched;
    expect(session.store.state).toMatchObject({
      step: 40,
      run: { id: 'r2' },
      pinned: { size: 2, row: 0, col: 0 },
    });
  });

  it('survives a step that cannot be loaded', async () => {
    const session = await start({ run: 'exp/atlas', step: '0' });
    await switchLayout(session);
    await settle();
    expect(session.store.state).toMatchObject({ run: { id: 'r2' }, step: 0 });
    expect(session.store.state.stepFailure).not.toBeNull();
  });

  it('is beside the run, which is listed once', async () => {
    const session = await start({ run: 'exp/backwards', step: '40' });
    const { store } = session;
    render(topBar(store.state, session, nothing, layoutSwitch(store.state, session)), root);
    const names = [...root.querySelectorAll('#run option')].map((one) => one.textContent?.trim());
    expect(names).toEqual(['exp', 'other']);
    expect(root.querySelector<HTMLSelectElement>('#run')?.value).toBe('r1');
    const radios = [...root.querySelectorAll<HTMLInputElement>('input[name=layout]')];
    expect(radios.map(({ checked }) => checked)).toEqual([false, true]);
    radios[0]?.dispatchEvent(new Event('change'));
    await settle();
    expect(store.state).toMatchObject({ run: { id: 'r1' }, step: 40 });
  });

  it('is not there for a run or layer of one layout', async () => {
    const session = await start({ run: 'other/atlas' });
    expect(layoutSwitch(session.store.state, session)).toBe(nothing);
    await switchLayout(session);
    expect(session.store.state.run?.id).toBe('r3');
    const runs = [run('a/atlas', ['layer3', 'layer4']), run('a/backwards', ['layer4'])];
    const [first] = runs as [RunEntry];
    const at = (layer: number) =>
      otherLayout({
        ...session.store.state,
        runs,
        run: first,
        series: first.series[layer] ?? null,
      });
    expect(at(0)).toBeNull();
    expect(at(1)).toBe(runs[1]);
  });
});
