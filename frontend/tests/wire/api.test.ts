// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  asFailure,
  Failure,
  fetchAtlas,
  fetchIndex,
  fetchSheet,
  fetchThumbs,
} from '../../src/wire/api';
import { fetchProbe } from '../../src/wire/probe';
import { fetchHistory } from '../../src/wire/series_history';
import {
  atlasBytes,
  binary,
  type FakeServer,
  failure,
  indexJson,
  json,
  soundServer,
  webp,
} from '../helpers/fake_server';

let server: FakeServer;
beforeEach(() => {
  server = soundServer();
  server.install();
});
afterEach(() => {
  vi.unstubAllGlobals();
});

async function caught(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Failure)) throw new Error(`not a failure: ${String(error)}`);
  return error;
}

describe('requests', () => {
  it('are relative, and encode what comes from the log', async () => {
    await fetchIndex();
    await fetchHistory('s1');
    await fetchAtlas('s1', 10);
    await fetchProbe('r 1&x=2');
    await fetchSheet('s1', 10, { blob: 3, crc32c: '00ff' });
    await fetchThumbs('r1', { blob: 2, crc32c: '01' });
    expect(server.requests).toEqual([
      'index',
      'history?id=s1',
      'atlas?id=s1&step=10',
      'probe?run=r+1%26x%3D2',
      'sheet?id=s1&step=10&blob=3&v=00ff',
      'thumbs?run=r1&blob=2&v=01',
    ]);
  });

  it('read an index only when it is another than the last', async () => {
    const read = vi.fn();
    const indexOf = (etag: string, run: string) => {
      server.set('index', () => {
        const response = json(indexJson({ id: 'r1', run, series: [] }));
        response.headers.set('ETag', etag);
        response.json = () => {
          read();
          return Response.prototype.json.call(response);
        };
        return response;
      });
      return fetchIndex();
    };
    const first = await indexOf('"a"', 'one');
    expect(await indexOf('"a"', 'one')).toBe(first);
    expect(read).toHaveBeenCalledTimes(1);
    expect((await indexOf('"b"', 'two'))[0]?.run).toBe('two');
    expect((await indexOf('"a"', 'one'))[0]?.run).toBe('one');
    expect(read).toHaveBeenCalledTimes(3);
  });

  it('find images of the probe by their id', async () => {
    const probe = await fetchProbe('r1');
    expect(probe.placeOf.get(12)).toBe(2);
    expect(probe.manifest.pages).toHaveLength(2);
  });
});

describe('failures', () => {
  it('report that TensorBoard does not respond', async () => {
    server.set('index', () => Promise.reject(new TypeError('Failed to fetch')));
    const error = await caught(fetchIndex());
    expect(error).toMatchObject({ kind: 'unreachable', request: 'index', status: null });
  });

  it.each([
    [404, 'not_found'],
    [422, 'damaged'],
    [422, 'too_new'],
    [500, 'internal'],
  ])("pass on the server's reason: %i %s", async (status, kind) => {
    server.set('history', () => failure(status, kind, 'because'));
    const error = await caught(fetchHistory('s1'));
    expect(error).toMatchObject({ kind, status, message: 'because', request: 'history?id=s1' });
  });

  it('survive a kind from the future and a response that is no JSON', async () => {
    server.set('history', () => failure(418, 'teapot', 'short and stout'));
    expect(await caught(fetchHistory('s1'))).toMatchObject({ kind: 'internal', status: 418 });
    server.set('index', () => new Response('<h1>Bad gateway</h1>', { status: 502 }));
    expect(await caught(fetchIndex())).toMatchObject({ kind: 'internal', status: 502 });
  });

  it('call an inconsistent response damaged, with the position', async () => {
    server.set('atlas', () => binary(atlasBytes(10)));
    const error = await caught(fetchAtlas('s1', 999));
    expect(error).toMatchObject({ kind: 'damaged', message: 'manifest says step 10' });
    server.set('index', () => new Response('{'));
    expect(await caught(fetchIndex())).toMatchObject({ kind: 'damaged' });
  });

  it('report an incomplete response', async () => {
    const broken = new ReadableStream({ start: (stream) => stream.error(new TypeError('reset')) });
    server.set('atlas?id=s1&step=10', () => new Response(broken));
    expect(await caught(fetchAtlas('s1', 10))).toMatchObject({ kind: 'unreachable' });
  });

  it('refuse pictures larger than any that we write, before decoding them', async () => {
    const decode = vi.fn();
    vi.stubGlobal('createImageBitmap', decode);
    server.set('sheet', () => webp(16_000, 16_000));
    const error = await caught(fetchSheet('s1', 10, { blob: 3, crc32c: '0' }));
    expect(error.message).toBe('picture of 16000 × 16000 pixels exceeds 2048');
    expect(decode).not.toHaveBeenCalled();
  });

  it('say when a picture cannot be decoded', async () => {
    vi.stubGlobal('createImageBitmap', () => Promise.reject(new DOMException('no')));
    const error = await caught(fetchSheet('s1', 10, { blob: 3, crc32c: '0' }));
    expect(error).toMatchObject({ kind: 'damaged', message: 'picture cannot be decoded' });
  });

  it('accept any thrown value', () => {
    const known = new Failure('damaged', 'x', 'y');
    expect(asFailure(known)).toBe(known);
    expect(asFailure(new Error('oops')).message).toBe('oops');
    expect(asFailure('text').message).toBe('text');
  });
});
