// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Address } from '../../src/host/tensorboard';
import type { HashValues } from '../../src/host/url_hash';
import { chooseA } from '../../src/state/comparison_actions';
import { Session } from '../../src/state/session';
import { Store } from '../../src/state/store';
import { missingLine } from '../../src/ui/empty_states';
import {
  atlasBytes,
  binary,
  type FakeServer,
  failure,
  indexJson,
  json,
  settle,
  soundServer,
} from '../helpers/fake_server';
import { safetensors, tensor } from '../helpers/wire_builder';

let server: FakeServer;
let written: HashValues[];
let paste: (values: HashValues) => void;
beforeEach(() => {
  server = soundServer();
  server.install();
  written = [];
});
afterEach(() => {
  vi.unstubAllGlobals();
});

function open(values: HashValues = {}): Session {
  const address = {
    read: () => values,
    watch: (changed: (next: HashValues) => void) => {
      paste = changed;
    },
    write: (next: HashValues) => written.push(next),
  } as unknown as Address;
  return new Session(new Store(), address);
}

async function start(values: HashValues = {}): Promise<Session> {
  const session = open(values);
  await session.start();
  await settle();
  return session;
}

describe('the sample', () => {
  it('is shown in the place of an empty log, and is not what the address says', async () => {
    vi.resetModules();
    const { Session: Fresh } = await import('../../src/state/session');
    server.set('index', () => json(indexJson()));
    const address = {
      read: () => ({}),
      watch: () => {},
      write: (next: HashValues) => written.push(next),
    } as unknown as Address;
    const session = new Fresh(new Store(), address);
    await session.start();
    expect(session.store.state.phase).toBe('empty');
    await session.openSample();
    expect(session.store.state).toMatchObject({ phase: 'failed', failure: { status: 404 } });

    const bytes = (body: unknown) => new TextEncoder().encode(JSON.stringify(body));
    const series = [{ id: 's1', layer: 'stage3', steps: [40] }];
    const responses = {
      index: tensor('U8', bytes(indexJson({ id: 'r1', run: 'digits/atlas', series }))),
      'atlas?id=s1&step=40': tensor('U8', new Uint8Array(atlasBytes(40))),
    };
    server.set('sample.safetensors', () => binary(safetensors(responses)));
    await session.openSample();
    await settle();
    expect(session.store.state).toMatchObject({
      phase: 'ready',
      source: { kind: 'sample' },
      step: 40,
    });
    expect(session.store.state.atlas?.step).toBe(40);
    expect(server.of('atlas')).toEqual([]);
    expect(written).toEqual([]);
    const missing = await session
      .loadAtlas(session.store.state.series as never, 41)
      .catch((error: unknown) => error);
    expect(missing).toMatchObject({ status: 404 });
  });
});

describe('start', () => {
  it('needs two requests before the first sheet: index and atlas', async () => {
    const { store } = await start();
    expect(server.requests).toEqual(['index', 'atlas?id=s2&step=40']);
    expect(store.state).toMatchObject({ phase: 'ready', step: 40, busy: false });
    expect(store.state.atlas?.step).toBe(40);
  });

  it('goes where the link leads', async () => {
    const { store } = await start({ layer: 'layer3', step: '11', color: 'class', z: '3' });
    expect(server.requests[1]).toBe('atlas?id=s1&step=10');
    expect(store.state).toMatchObject({ step: 10, color: 'class', camera: { z: 3 } });
  });

  it('keeps the address in step with the state', async () => {
    await start();
    expect(written.at(-1)).toMatchObject({ run: 'exp/atlas', layer: 'layer4', step: '40' });
  });

  it('says that the log directory is empty', async () => {
    server.set('index', () => json(indexJson()));
    expect((await start()).store.state).toMatchObject({ phase: 'empty', busy: false });
  });

  it('says why nothing can be listed, and tries again on request', async () => {
    server.set('index', () => failure(500, 'internal', 'broken'));
    const session = await start();
    expect(session.store.state).toMatchObject({ phase: 'failed', failure: { message: 'broken' } });
    server.set('index', () => json(indexJson()));
    session.retry();
    await settle();
    expect(session.store.state).toMatchObject({ phase: 'empty', failure: null });
  });
});

describe('a link to what is not in the log', () => {
  it('is said to be one, and stands as it is with all the rest', async () => {
    const wanted = {
      run: 'gone/atlas',
      layer: 'layer9',
      step: '11',
      color: 'class',
      pins: '2,0,1',
    };
    const { store } = await start(wanted);
    expect(store.state).toMatchObject({
      missing: { run: 'gone/atlas', layer: 'layer9', step: '11' },
      step: 10,
      color: 'class',
    });
    expect(written.at(-1)).toMatchObject(wanted);
  });

  it('says nothing of what is there, by name or by id', async () => {
    expect((await start({ run: 'r1', layer: 's1', step: '10' })).store.state.missing).toEqual({});
    expect((await start()).store.state.missing).toEqual({});
  });

  it('names a step to compare with, beside panes, until another is chosen', async () => {
    const wanted = { compare: '12;layer4,,r1' };
    const session = await start({ ...wanted, step: '0' });
    expect(session.store.state).toMatchObject({ missing: { compare: '12' }, compare: 10 });
    expect(written.at(-1)).toMatchObject(wanted);
    expect(missingLine(session.store.state)).toContain('compare 12 (shown: 10)');
    chooseA(session, 0);
    expect(session.store.state.missing).toEqual({});
    expect(written.at(-1)).toMatchObject({ compare: '0;layer4,,r1' });
  });

  it('names the step, layer and run of A that the log lacks', async () => {
    const session = await start({ compare: 'layer9,10,gone', step: '10' });
    expect(session.store.state).toMatchObject({ missing: { compare: 'layer9,10,gone' } });
    expect(session.store.state.compare).toBeNull();
    expect(written.at(-1)).toMatchObject({ compare: 'layer9,10,gone' });
    expect(missingLine(session.store.state)).toContain('compare layer9,10,gone (shown: none)');
  });

  it('leads to A of another run, which follows B to another layer', async () => {
    const layers = (id: string, steps: number[]) =>
      ['layer3', 'layer4'].map((layer, i) => ({ id: `${id}${i}`, layer, steps }));
    server.set('index', () =>
      json(
        indexJson(
          { id: 'r1', run: 'one', series: layers('s', [0, 10]) },
          { id: 'r2', run: 'two', series: layers('t', [0, 10, 20]) },
        ),
      ),
    );
    server.set('atlas', () => binary(atlasBytes(10)));
    const session = await start({ run: 'one', layer: 'layer3', compare: 'layer3,20,two' });
    expect(session.store.state).toMatchObject({ compare: 20, compareIn: 'layer3,two' });
    expect(session.store.state.missing).toEqual({});
    session.chooseSeries('s1');
    await settle();
    expect(session.store.state).toMatchObject({ compare: 20, compareIn: 'layer4,two' });
    session.chooseRun('r2');
    await settle();
    expect(session.store.state).toMatchObject({ compare: 20, compareIn: '' });
    expect(written.at(-1)).toMatchObject({ compare: '20', layer: 'layer4', run: 'two' });
  });

  it('is forgotten once the user chooses', async () => {
    const session = await start({ layer: 'layer3', step: '11' });
    session.chooseStep(10);
    expect(session.store.state.missing).toEqual({});
    expect(written.at(-1)).toMatchObject({ step: '10' });
    paste({ layer: 'layer9' });
    await settle();
    expect(session.store.state.missing).toEqual({ layer: 'layer9' });
    session.chooseSeries('s1');
    await settle();
    expect(session.store.state.missing).toEqual({});
  });

  it('leads there when it is looked for again and has come', async () => {
    const session = await start({ run: 'late/atlas', step: '10' });
    const series = [{ id: 's9', layer: 'layer4', steps: [0, 10] }];
    server.set('index', () => json(indexJson({ id: 'r9', run: 'late/atlas', series })));
    server.set('atlas?id=s9&step=10', () => binary(atlasBytes(10)));
    await session.start();
    await settle();
    expect(session.store.state).toMatchObject({ missing: {}, run: { id: 'r9' }, step: 10 });
  });
});

describe('a link that is pasted while the tab is open', () => {
  it('is followed', async () => {
    const { store } = await start();
    paste({ run: 'exp/atlas', layer: 'layer3', step: '0', color: 'purity', x: '0.2', z: '2' });
    await settle();
    expect(store.state).toMatchObject({ step: 0, color: 'purity', series: { id: 's1' } });
    expect(store.state.camera).toEqual({ x: 0.2, y: 0.5, z: 2 });
    expect(store.state.atlas?.key).toBe('s1/0');
  });

  it('is no reason to load again when it leads to where we are, or nowhere', async () => {
    await start();
    const requests = server.requests.length;
    paste(written.at(-1) ?? {});
    paste({});
    await settle();
    expect(server.requests).toHaveLength(requests);
  });
});

describe('steps', () => {
  it('shows a step, and requests none twice', async () => {
    const session = await start();
    session.chooseStep(10);
    expect(session.store.state).toMatchObject({ step: 10, busy: true, settled: false });
    await settle();
    expect(session.store.state.atlas?.step).toBe(10);
    session.chooseStep(40);
    await settle();
    expect(session.store.state.atlas?.step).toBe(40);
    expect(server.of('atlas')).toHaveLength(2);
  });

  it('keeps the old map until the new one is here', async () => {
    const session = await start();
    session.chooseStep(10);
    expect(session.store.state.atlas?.step).toBe(40);
  });

  it('ignores a response that comes after a newer choice', async () => {
    const session = await start();
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.set('atlas?id=s2&step=0', async () => {
      await gate;
      return binary(atlasBytes(0));
    });
    session.chooseStep(0);
    session.chooseStep(10);
    await settle();
    release();
    await settle();
    expect(session.store.state).toMatchObject({ step: 10, busy: false });
    expect(session.store.state.atlas?.step).toBe(10);
  });

  it('says why a step cannot be shown, and the others still can', async () => {
    server.set('atlas?id=s2&step=10', () => failure(422, 'damaged', 'blob 1: checksum'));
    const session = await start();
    session.chooseStep(10);
    await settle();
    expect(session.store.state.stepFailure).toMatchObject({ kind: 'damaged' });
    expect(session.store.state.busy).toBe(false);
    session.chooseStep(0);
    await settle();
    expect(session.store.state).toMatchObject({ stepFailure: null, atlas: { step: 0 } });
  });

  it('requests again after a failure, and discards manifests that may be of an older run', async () => {
    server.set('atlas?id=s2&step=40', () => failure(422, 'damaged', 'torn'));
    const session = await start();
    server.set('atlas?id=s2&step=40', () => binary(atlasBytes(40)));
    session.retry();
    await settle();
    expect(session.store.state).toMatchObject({ stepFailure: null, atlas: { step: 40 } });
    session.retry();
    await settle();
    expect(server.of('atlas')).toHaveLength(3);
  });
});

describe('runs and layers', () => {
  it('keeps the step over a change of layer', async () => {
    const session = await start({ step: '10' });
    session.chooseSeries('s1');
    await settle();
    expect(session.store.state).toMatchObject({ step: 10, history: null });
    expect(session.store.state.atlas?.series).toBe('s1');
  });

  it('looks for the same layer in another run, and forgets the probe of the first', async () => {
    const other = [{ id: 's9', layer: 'layer4', steps: [40] }];
    const first = [{ id: 's2', layer: 'layer4', steps: [40] }];
    server.set('index', () =>
      json(indexJson({ id: 'r1', run: 'a', series: first }, { id: 'r2', run: 'b', series: other })),
    );
    server.set('atlas?id=s9&step=40', () => binary(atlasBytes(40)));
    const session = await start();
    session.store.set({ probe: {} as never });
    session.chooseRun('r2');
    await settle();
    expect(session.store.state).toMatchObject({ probe: null, series: { id: 's9' } });
    session.chooseRun('gone');
    session.chooseSeries('gone');
    expect(session.store.state.series?.id).toBe('s9');
  });

  it('takes over new steps only on request, and then goes to the newest', async () => {
    const session = await start({ layer: 'layer3', step: '0' });
    const steps = [0, 10, 40, 80];
    server.set('atlas?id=s1&step=80', () => binary(atlasBytes(80)));
    const versions = steps.map(String);
    const series = [
      { id: 's1', layer: 'layer3', steps, wallTimes: steps, versions, shortcuts: [] },
    ];
    session.latestRuns = [{ id: 'r1', run: 'exp/atlas', probe: true, series }];
    session.store.set({ freshSteps: 1 });
    expect(session.store.state.series?.steps).toHaveLength(3);
    session.acceptFreshSteps();
    await settle();
    expect(session.store.state).toMatchObject({ step: 80, freshSteps: 0, atlas: { step: 80 } });
    expect(session.store.state.series?.steps).toEqual(steps);
  });
});
