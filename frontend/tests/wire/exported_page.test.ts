// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { asFailure, fetchActivations, getJson, serveFrom } from '../../src/wire/api';
import { readExportedPage } from '../../src/wire/exported_page';
import { fetchHistory } from '../../src/wire/series_history';
import { atlasBytes, historyJson } from '../helpers/fake_server';
import { smallAtlas } from '../helpers/wire_builder';

interface Stored {
  readonly request: string;
  readonly body: Uint8Array;
  readonly status?: number;
  readonly gzipped?: boolean;
}

const encode = (text: string) => new TextEncoder().encode(text);
const INFO = { title: 'A title', exported: '2026-01-02T03:04+00:00', omitted: ['One thing.'] };
const LINK = '#p.atlas.step=5';

/** A document with the elements that `tensorboard-atlas export` writes. */
function makePage(stored: readonly Stored[], change: Readonly<Record<string, unknown>> = {}) {
  const page = document.implementation.createHTMLDocument();
  const add = (id: string, text: string) => {
    const element = page.createElement('script');
    element.type = 'application/octet-stream';
    element.id = id;
    element.textContent = text;
    page.head.append(element);
  };
  stored.forEach(({ body, gzipped = false }, at) => {
    add(`atlas-${at}`, Buffer.from(gzipped ? gzipSync(body) : body).toString('base64'));
  });
  const requests = stored.map(({ request, status = 200, gzipped = false }) => ({
    request,
    status,
    gzipped,
  }));
  add('atlas-page', JSON.stringify({ ...INFO, link: LINK, requests, ...change }));
  return page;
}

const respond = (stored: readonly Stored[], request: string) =>
  readExportedPage(makePage(stored)).log.respond(request);

describe('an exported page', () => {
  it('says what it is', () => {
    expect(readExportedPage(makePage([])).info).toMatchObject(INFO);
  });

  it('says what it opens with', () => {
    expect(readExportedPage(makePage([])).link).toBe(LINK);
    expect(readExportedPage(makePage([], { link: '' })).link).toBe('');
  });

  it('responds with the bytes that were stored, compressed or not', async () => {
    const body = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) % 256);
    for (const gzipped of [false, true]) {
      const response = await respond(
        [{ request: 'atlas?id=s1&step=4', body, gzipped }],
        'atlas?id=s1&step=4',
      );
      expect(response.status).toBe(200);
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(body);
    }
  });

  it('keeps requests apart', async () => {
    const stored = [0, 1, 2].map((step) => ({
      request: `atlas?id=s1&step=${step}`,
      body: Uint8Array.of(step),
    }));
    for (const step of [2, 0, 1]) {
      const response = await respond(stored, `atlas?id=s1&step=${step}`);
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(Uint8Array.of(step));
    }
  });

  it('responds to the same request more than once', async () => {
    const { log } = readExportedPage(makePage([{ request: 'index', body: encode('{}') }]));
    expect(await (await log.respond('index')).text()).toBe('{}');
    expect(await (await log.respond('index')).text()).toBe('{}');
  });

  it('keeps an empty body', async () => {
    const response = await respond([{ request: 'x', body: new Uint8Array() }], 'x');
    expect((await response.arrayBuffer()).byteLength).toBe(0);
  });

  it('responds with 404 to what it lacks, and says so', async () => {
    const missing = await respond([], 'atlas?id=s1&step=4');
    expect(missing.status).toBe(404);
    expect(await missing.json()).toEqual({
      error: { kind: 'not_found', message: 'This was left out when the page was exported.' },
    });
    const activations = await (await respond([], 'activations?id=s1&step=4')).json();
    expect(activations.error.message).toBe('This page was exported without activations.');
  });

  it.each<[string, unknown]>([
    ['title', 3],
    ['omitted', 'text'],
    ['requests', [{ request: 'x', status: 200 }]],
    ['requests', [{ request: 'x', status: 42, gzipped: false }]],
  ])('is refused if its %s is malformed: %j', (name, value) => {
    expect(() => readExportedPage(makePage([], { [name]: value }))).toThrow(name);
  });

  it('is refused without its contents', () => {
    expect(() => readExportedPage(document.implementation.createHTMLDocument())).toThrow();
  });
});

describe('requests in an exported page', () => {
  const network = vi.fn();
  beforeEach(() => {
    vi.stubGlobal('fetch', network);
  });
  afterEach(() => {
    expect(network).not.toHaveBeenCalled();
    vi.unstubAllGlobals();
  });
  const serve = (...stored: Stored[]) => serveFrom(readExportedPage(makePage(stored)).log);
  const caught = (promise: Promise<unknown>) => promise.then(() => null, asFailure);

  it('are served from it', async () => {
    serve({
      request: 'history?id=s1',
      body: encode(JSON.stringify(historyJson([{ step: 4 }]))),
      gzipped: true,
    });
    expect((await fetchHistory('s1')).kept).toBeGreaterThan(0);
  });

  it('report damage as the plugin does', async () => {
    const body = encode(JSON.stringify({ error: { kind: 'damaged', message: 'torn' } }));
    serve({ request: 'activations?id=s1&step=4', body, status: 422 });
    expect(
      await caught(fetchActivations({ ...smallAtlas(), series: 's1', step: 4 })),
    ).toMatchObject({
      kind: 'damaged',
      message: 'torn',
      status: 422,
    });
  });

  it('report a page that was changed', async () => {
    const page = makePage([
      { request: 'a', body: new Uint8Array(atlasBytes(4)) },
      { request: 'b', body: encode('{}') },
    ]);
    const contents = page.getElementById('atlas-page') as HTMLElement;
    contents.textContent = (contents.textContent ?? '').replace(
      '"gzipped":false',
      '"gzipped":true',
    );
    (page.getElementById('atlas-1') as HTMLElement).textContent = '%%%';
    serveFrom(readExportedPage(page).log);
    for (const route of ['a', 'b']) {
      expect(await caught(getJson(route, {}, (json) => json))).toMatchObject({
        kind: 'damaged',
        message: 'This page is damaged: get another copy of it.',
      });
    }
  });
});
