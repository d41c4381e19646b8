// SPDX-License-Identifier: Apache-2.0
/** A stand-in for the plugin's routes: serves wire bytes through `fetch` and records the requests. */

import { vi } from 'vitest';
import { blobEntry, pack, safetensors, smallManifest, smallTensors, tensor } from './wire_builder';

export type Respond = () => Response | Promise<Response>;

export class FakeServer {
  /** Every request in order, as the tab wrote it. */
  readonly requests: string[] = [];
  readonly responses = new Map<string, Respond>();

  install(): void {
    vi.stubGlobal('fetch', async (request: string) => {
      this.requests.push(request);
      const respond =
        this.responses.get(request) ?? this.responses.get(request.split('?')[0] ?? '');
      if (respond === undefined) return failure(404, 'not_found', 'There is no such thing here.');
      return respond();
    });
    vi.stubGlobal('createImageBitmap', async () => ({ width: 16, height: 8 }));
  }

  set(request: string, respond: Respond): void {
    this.responses.set(request, respond);
  }

  /** Requests of one route. */
  of(route: string): string[] {
    return this.requests.filter((request) => request.split('?')[0] === route);
  }
}

export function json(body: unknown): Response {
  return new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });
}

export function failure(status: number, kind: string, message: string): Response {
  return new Response(JSON.stringify({ error: { kind, message } }), { status });
}

export function binary(body: ArrayBuffer | Uint8Array<ArrayBuffer>): Response {
  return new Response(body);
}

/** The smallest header that `webpSize` reads as width × height. */
export function webp(width = 16, height = 8): Response {
  const bytes = new Uint8Array(32);
  bytes.set(new TextEncoder().encode('RIFF....WEBPVP8X'));
  new DataView(bytes.buffer).setUint32(24, width - 1, true);
  new DataView(bytes.buffer).setUint32(27, height - 1, true);
  return binary(bytes);
}

export interface SeriesJson {
  readonly id: string;
  readonly layer: string;
  readonly steps: readonly number[];
  /** By step, where it is not the first. */
  readonly versions?: Readonly<Record<number, string>>;
  readonly shortcuts?: readonly number[];
}

export function indexJson(
  ...runs: readonly { readonly id: string; readonly run: string; readonly series: SeriesJson[] }[]
): unknown {
  return {
    version: 2,
    kept_limit: 200,
    runs: runs.map(({ id, run, series }) => ({
      id,
      run,
      probe: true,
      series: series.map((one) => ({
        id: one.id,
        layer: one.layer,
        steps: one.steps,
        shortcuts: one.shortcuts ?? [],
        wall_times: one.steps.map((step) => 1000 + step),
        versions: one.steps.map((step) => one.versions?.[step] ?? 'logged-1'),
      })),
    })),
  };
}

export function atlasBytes(step: number): ArrayBuffer {
  return pack({ ...smallManifest(), step }, safetensors(smallTensors()));
}

export function historyJson(
  steps: readonly { readonly step: number; readonly status?: string; readonly reason?: string }[],
  more: Readonly<Record<string, unknown>> = {},
): unknown {
  return {
    id: 's1',
    logged: steps.length,
    kept: steps.length,
    steps: steps.map((one) => ({
      ...{ wall_time: 0, revision: 'logged', sequence: null, status: 'ok', reason: null },
      ...{ trustworthiness: null, neighbors_kept: null, samples: null, concepts: null },
      ...one,
    })),
    skipped: [],
    events: null,
    events_found: 0,
    concepts: null,
    groups: null,
    ...more,
  };
}

/** A probe of the six images that the small atlas samples, on pages of 2 × 2 thumbnails. */
export function probeBytes(): ArrayBuffer {
  const manifest = {
    kind: 'probe',
    version: 4,
    classes: null,
    digest: 'aa',
    images: 6,
    input_size: [16, 16],
    thumb_size: [8, 8],
    tile: 8,
    columns: 2,
    blobs: [
      blobEntry('probe', '0'),
      { ...blobEntry('thumbs', '1'), page: 0 },
      { ...blobEntry('thumbs', '2'), page: 1 },
    ],
  };
  const ids = new Int32Array([10, 11, 12, 13, 14, 15]);
  return pack(manifest, safetensors({ image_ids: tensor('I32', ids) }));
}

/** One run with two layers of three steps each, everything in order. */
export function soundServer(): FakeServer {
  const server = new FakeServer();
  const steps = [0, 10, 40];
  const series = [
    { id: 's1', layer: 'layer3', steps },
    { id: 's2', layer: 'layer4', steps },
  ];
  server.set('index', () => json(indexJson({ id: 'r1', run: 'exp/atlas', series })));
  for (const step of steps) {
    for (const { id } of series) {
      server.set(`atlas?id=${id}&step=${step}`, () => binary(atlasBytes(step)));
    }
  }
  server.set('history', () => json(historyJson(steps.map((step) => ({ step })))));
  server.set('probe', () => binary(probeBytes()));
  server.set('sheet', () => webp());
  server.set('thumbs', () => webp());
  return server;
}

/** Lets everything that is ready to go on do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
