// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NearestSamples } from '../../src/domain/nearest_samples';
import type { Address } from '../../src/host/tensorboard';
import { BackgroundLoader } from '../../src/state/background_loader';
import { Player } from '../../src/state/player';
import { Session } from '../../src/state/session';
import { Store } from '../../src/state/store';
import {
  atlasBytes,
  binary,
  type FakeServer,
  failure,
  historyJson,
  indexJson,
  json,
  settle,
  soundServer,
} from '../helpers/fake_server';
import { safetensors, smallAtlas, tensor } from '../helpers/wire_builder';

let server: FakeServer;
beforeEach(() => {
  server = soundServer();
  server.install();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function start(step = '10'): Promise<Session> {
  const address = { read: () => ({ layer: 'layer3', step }), write: () => {}, watch: () => {} };
  const session = new Session(new Store(), address as unknown as Address);
  await session.start();
  await settle();
  server.requests.length = 0;
  return session;
}

/** What the map would report once the scene is drawn. */
const drawn = { settled: true, shownLevel: 2 };

describe('BackgroundLoader', () => {
  it('waits for the map, then fetches probe, history, and the steps next door with icons', async () => {
    const session = await start();
    new BackgroundLoader(session);
    await settle();
    expect(server.requests).toEqual([]);
    session.store.set(drawn);
    await settle();
    expect(server.requests.slice(0, 2).sort()).toEqual(['history?id=s1', 'probe?run=r1']);
    expect(server.of('atlas').sort()).toEqual(['atlas?id=s1&step=0', 'atlas?id=s1&step=40']);
    expect(server.of('sheet')).toHaveLength(2);
    expect(session.store.state.history?.kept).toBe(3);
    expect(session.store.state.probe?.manifest.digest).toBe('aa');
  });

  it('does not request twice while the user stays', async () => {
    const session = await start();
    new BackgroundLoader(session);
    session.store.set(drawn);
    await settle();
    const before = server.requests.length;
    session.store.set({ settled: false });
    session.store.set(drawn);
    await settle();
    expect(server.requests).toHaveLength(before);
  });

  it('never preloads a step that is known to be damaged', async () => {
    const steps = [{ step: 0 }, { step: 10 }, { step: 40, status: 'damaged', reason: 'torn' }];
    server.set('history', () => json(historyJson(steps)));
    const session = await start();
    new BackgroundLoader(session);
    session.store.set(drawn);
    await settle();
    expect(server.of('atlas')).toEqual(['atlas?id=s1&step=0']);
  });

  it('requests the history again when an adjacent step is damaged', async () => {
    server.set('atlas?id=s1&step=40', () => failure(422, 'damaged', 'torn'));
    const session = await start();
    new BackgroundLoader(session);
    session.store.set(drawn);
    await settle();
    expect(server.of('history')).toHaveLength(2);
  });

  it('keeps the reason why the probe is missing, and lives without a history', async () => {
    server.set('probe', () => failure(422, 'damaged', 'torn'));
    server.set('history', () => failure(500, 'internal', 'x'));
    const session = await start();
    new BackgroundLoader(session);
    session.store.set(drawn);
    await settle();
    expect(session.store.state).toMatchObject({ probe: null, probeFailure: { message: 'torn' } });
    expect(session.store.state).toMatchObject({
      history: null,
      historyFailure: { kind: 'internal', message: 'x' },
    });
    // Another step is another try.
    server.set('history', () => json(historyJson([{ step: 0 }])));
    session.chooseStep(0);
    await settle();
    session.store.set(drawn);
    await settle();
    expect(session.store.state).toMatchObject({ history: { kept: 1 }, historyFailure: null });
  });

  it('reports which thumbnails are missing, until they are requested again', async () => {
    server.set('thumbs?run=r1&blob=2&v=1', () => failure(422, 'damaged', 'torn'));
    const session = await start();
    new BackgroundLoader(session);
    session.store.set(drawn);
    await settle();
    const { probe } = session.store.state;
    if (probe === null) throw new Error('no probe');
    session.pages.thumbs('r1', probe, 0);
    session.pages.thumbs('r1', probe, 1);
    await settle();
    expect(session.pages.thumbFailure('r1')).toMatchObject({ kind: 'damaged', message: 'torn' });
    expect(session.pages.thumbFailure('r2')).toBeNull();
    session.pages.retry();
    expect(session.pages.thumbFailure('r1')).toBeNull();
  });

  describe('polls', () => {
    const POLL_MS = 30_000;

    async function poll(session: Session): Promise<void> {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
      Object.defineProperty(document.body, 'clientHeight', { value: 600, configurable: true });
      new BackgroundLoader(session);
      vi.advanceTimersByTime(POLL_MS);
      await settle();
    }

    it('and announces new steps without a jump', async () => {
      const session = await start('40');
      const series = [{ id: 's1', layer: 'layer3', steps: [0, 10, 40, 50, 60] }];
      server.set('index', () => json(indexJson({ id: 'r1', run: 'exp/atlas', series })));
      await poll(session);
      expect(session.store.state).toMatchObject({ freshSteps: 2, step: 40 });
      expect(session.store.state.series?.steps).toEqual([0, 10, 40]);
    });

    function renew(versions: Readonly<Record<number, string>>): void {
      const series = [{ id: 's1', layer: 'layer3', steps: [0, 10, 40, 50], versions }];
      server.set('index', () => json(indexJson({ id: 'r1', run: 'exp/atlas', series })));
    }

    it('and swaps the icons of the step on screen without a jump', async () => {
      const session = await start('40');
      const before = { camera: { x: 0.3, y: 0.4, z: 2 }, pinned: { size: 2, row: 0, col: 1 } };
      session.store.set(before);
      const old = session.store.state.atlas;
      let restless = false;
      session.store.subscribe(({ busy, settled }, { settled: was }) => {
        restless ||= busy || (was && !settled);
      });
      renew({ 40: 'refined-2' });
      await poll(session);
      await settle();
      const { state } = session.store;
      expect(server.of('atlas')).toEqual(['atlas?id=s1&step=40']);
      expect(state.atlas).not.toBe(old);
      expect(state).toMatchObject({ ...before, step: 40, atlas: { step: 40 }, freshSteps: 1 });
      expect(state.series).toMatchObject({ steps: [0, 10, 40] });
      expect(state.series?.versions).toEqual(['logged-1', 'logged-1', 'refined-2']);
      expect(restless).toBe(false);
    });

    it('and takes over a search that was logged after its step', async () => {
      const session = await start('40');
      const { atlas } = session.store.state;
      const series = [{ id: 's1', layer: 'layer3', steps: [0, 10, 40], shortcuts: [40] }];
      server.set('index', () => json(indexJson({ id: 'r1', run: 'exp/atlas', series })));
      await poll(session);
      await settle();
      expect(session.store.state.series?.shortcuts).toEqual([40]);
      expect(session.store.state).toMatchObject({ atlas, step: 40 });
    });

    it('and keeps the old icons where the new ones do not come', async () => {
      const session = await start('40');
      const old = session.store.state.atlas;
      server.set('atlas?id=s1&step=40', () => failure(422, 'damaged', 'torn'));
      renew({ 40: 'refined-2' });
      await poll(session);
      await settle();
      expect(session.store.state).toMatchObject({ atlas: old, stepFailure: null });
    });

    it('and requests a renewed adjacent step when it is shown', async () => {
      const session = await start('40');
      session.chooseStep(10);
      await settle();
      session.chooseStep(40);
      await settle();
      renew({ 10: 'logged-2' });
      await poll(session);
      await settle();
      expect(server.of('atlas')).toHaveLength(1);
      session.chooseStep(10);
      await settle();
      expect(server.of('atlas')).toHaveLength(2);
    });

    it('and tries a step again that could not be shown', async () => {
      server.set('atlas?id=s1&step=40', () => failure(422, 'damaged', 'torn'));
      const session = await start('40');
      expect(session.store.state.stepFailure?.message).toBe('torn');
      server.set('atlas?id=s1&step=40', () => binary(atlasBytes(40)));
      renew({ 40: 'logged-2' });
      await poll(session);
      await settle();
      expect(session.store.state).toMatchObject({ stepFailure: null, atlas: { step: 40 } });
    });

    it('and adds new runs to the menu at once', async () => {
      const session = await start();
      const known = [
        { id: 's1', layer: 'layer3', steps: [0, 10, 40] },
        { id: 's2', layer: 'layer4', steps: [0, 10, 40] },
      ];
      const fresh = [{ id: 's9', layer: 'layer3', steps: [1] }];
      server.set('index', () =>
        json(
          indexJson(
            { id: 'r1', run: 'exp/atlas', series: known },
            { id: 'r2', run: 'new', series: fresh },
          ),
        ),
      );
      await poll(session);
      expect(session.store.state.runs.map(({ run }) => run)).toEqual(['exp/atlas', 'new']);
      expect(session.store.state.freshSteps).toBe(0);
    });

    it('and opens the first atlas that turns up in an empty log directory', async () => {
      const respond = server.responses.get('index');
      server.set('index', () => json(indexJson()));
      const session = await start();
      expect(session.store.state.phase).toBe('empty');
      if (respond) server.set('index', respond);
      await poll(session);
      await settle();
      expect(session.store.state).toMatchObject({ phase: 'ready', atlas: { step: 10 } });
    });

    it('and is not put out when the server is away', async () => {
      const session = await start();
      server.set('index', () => Promise.reject(new TypeError('away')));
      await poll(session);
      expect(session.store.state).toMatchObject({ phase: 'ready', freshSteps: 0 });
    });

    it('but not in an exported page, which does not connect to TensorBoard either', async () => {
      const session = await start('40');
      session.store.set({ source: { kind: 'page', title: '', exported: '', omitted: [] } });
      const posted = vi.spyOn(window.parent, 'postMessage');
      await poll(session);
      expect(server.of('index')).toEqual([]);
      expect(posted).not.toHaveBeenCalled();
      session.store.set({ source: { kind: 'tensorboard' } });
      await poll(session);
      expect(server.of('index')).toHaveLength(1);
      expect(posted).toHaveBeenCalled();
    });

    it('but not while the tab is hidden', async () => {
      const session = await start();
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
      Object.defineProperty(document.body, 'clientHeight', { value: 0, configurable: true });
      new BackgroundLoader(session);
      vi.advanceTimersByTime(POLL_MS);
      await settle();
      expect(server.of('index')).toEqual([]);
    });
  });
});

describe('Player', () => {
  const HOLD_MS = 1000;

  async function playing(step: string): Promise<[Session, Player]> {
    const session = await start(step);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    session.store.set(drawn);
    return [session, new Player(session)];
  }

  /** One hold passes, and the map draws what has come. */
  async function hold(session: Session): Promise<void> {
    vi.advanceTimersByTime(HOLD_MS);
    await settle();
    session.store.set(drawn);
  }

  it('steps back and forth and stops at the ends', async () => {
    const [session, player] = await playing('10');
    player.stepBy(1);
    expect(session.store.state.step).toBe(40);
    player.stepBy(1);
    expect(session.store.state.step).toBe(40);
    player.stepBy(-1);
    player.stepBy(-1);
    player.stepBy(-1);
    expect(session.store.state.step).toBe(0);
  });

  it('plays to the end and then pauses', async () => {
    const [session, player] = await playing('0');
    player.toggle();
    await hold(session);
    expect(session.store.state).toMatchObject({ step: 10, playing: true });
    await hold(session);
    expect(session.store.state).toMatchObject({ step: 40, playing: true });
    await hold(session);
    expect(session.store.state).toMatchObject({ step: 40, playing: false });
  });

  it('restarts from the last step', async () => {
    const [session, player] = await playing('40');
    player.toggle();
    expect(session.store.state).toMatchObject({ step: 0, playing: true });
  });

  it('waits for a step that is slow to come', async () => {
    const [session, player] = await playing('0');
    player.toggle();
    vi.advanceTimersByTime(HOLD_MS);
    await settle();
    expect(session.store.state.step).toBe(10);
    vi.advanceTimersByTime(10 * HOLD_MS);
    expect(session.store.state.step).toBe(10);
    session.store.set(drawn);
    vi.advanceTimersByTime(HOLD_MS);
    expect(session.store.state.step).toBe(40);
  });

  it('passes over damage that is known', async () => {
    const [session, player] = await playing('0');
    const bad = {
      step: 10,
      status: 'damaged',
      reason: 'torn',
      sequence: null,
      trustworthiness: null,
      preliminary: false,
      samples: null,
      concepts: null,
    } as const;
    session.store.set({
      history: {
        logged: 3,
        kept: 3,
        skipped: [],
        steps: new Map([[10, bad]]),
        events: null,
        eventsFound: 0,
        concepts: null,
        groups: null,
      },
    });
    player.toggle();
    await hold(session);
    expect(session.store.state.step).toBe(40);
  });

  it('pauses at once', async () => {
    const [session, player] = await playing('0');
    player.toggle();
    player.toggle();
    await hold(session);
    expect(session.store.state).toMatchObject({ step: 0, playing: false });
  });
});

describe('NearestSamples', () => {
  const atlas = smallAtlas();
  const level = atlas.levels[0];
  if (level === undefined) throw new Error('no level');

  it('ranks by the map until activations are here', async () => {
    const half = { one: 0x3c00, none: 0 };
    const rows = [half.none, half.none, half.one, half.none, half.one, half.one];
    const values = new Uint16Array([...rows, ...rows]);
    server.set('activations?id=s1&step=7', () =>
      binary(safetensors({ values: tensor('F16', values, 6, 2) })),
    );
    const arrived = vi.fn();
    const nearest = new NearestSamples(arrived);
    expect(nearest.nearest(atlas, level, 0, 2, true)).toMatchObject({
      by: 'map',
      samples: [1, 0],
    });
    await settle();
    expect(arrived).toHaveBeenCalledOnce();
    expect(nearest.nearest(atlas, level, 0, 2, true).by).toBe('activation');
    expect(server.requests).toEqual(['activations?id=s1&step=7']);
  });

  it('does not request without `fetch`, nor again after a failure', async () => {
    const nearest = new NearestSamples(() => {});
    nearest.nearest(atlas, level, 0, 2, false);
    expect(server.requests).toEqual([]);
    nearest.nearest(atlas, level, 0, 2, true);
    await settle();
    expect(nearest.nearest(atlas, level, 0, 2, true).by).toBe('map');
    expect(server.requests).toHaveLength(1);
  });
});
