// SPDX-License-Identifier: Apache-2.0
/** The routes of `http_api.md`. Addresses are relative to the entry page's base, never absolute. */

import { type Atlas, readAtlas } from './atlas';
import { MAX_SHEET_SIDE } from './generated/limits';
import { checkErrorResponse } from './generated/validators';
import { WireError } from './json_checks';
import { type Page, type RunEntry, readIndex } from './manifest';
import { type PointTile, readPointTile } from './point_tile';
import { readSafetensors, type Tensors } from './safetensors';
import { webpSize } from './webp_size';

export type FailureKind = 'unreachable' | 'not_found' | 'damaged' | 'too_new' | 'internal';

/** A request that gave nothing to show: which one, why, in words for the reader. */
export class Failure extends Error {
  override name = 'Failure';

  constructor(
    readonly kind: FailureKind,
    message: string,
    /** The request as a person would look for it in the network panel. */
    readonly request: string,
    readonly status: number | null = null,
  ) {
    super(message);
  }
}

const SAMPLE = 'sample.safetensors';

type Query = Readonly<Record<string, string | number>>;

/** The last index that was read, and the server's name for just that text. */
let newest: { etag: string; runs: RunEntry[] } | null = null;

/** Returns the same array while the index is the same: it can be megabytes long. */
export async function fetchIndex(): Promise<RunEntry[]> {
  const [response, request] = await get('index', {});
  const etag = response.headers.get('ETag');
  if (etag !== null && etag === newest?.etag) {
    await response.body?.cancel();
    return newest.runs;
  }
  const runs = await decode(request, async () => readIndex(await response.json()));
  newest = etag === null ? null : { etag, runs };
  return runs;
}

export async function getJson<T>(
  route: string,
  query: Query,
  read: (json: unknown) => T,
): Promise<T> {
  const [response, request] = await get(route, query);
  return decode(request, async () => read(await response.json()));
}

export function fetchAtlas(id: string, step: number): Promise<Atlas> {
  return getBytes('atlas', { id, step }, (bytes) => readAtlas(id, step, bytes));
}

export function fetchActivations({ series: id, step }: Atlas): Promise<Tensors> {
  return getBytes('activations', { id, step }, readSafetensors);
}

/** One tile of points; `v` is the checksum of the map that they belong to. */
export function fetchPoints(atlas: Atlas, tile: string, v: string): Promise<PointTile> {
  const { series: id, step } = atlas;
  const read = (bytes: ArrayBuffer) => readPointTile(atlas, readSafetensors(bytes));
  return getBytes('points', { id, step, tile, v }, read);
}

export function fetchSheet(id: string, step: number, page: Page): Promise<ImageBitmap> {
  return fetchPicture('sheet', { id, step, blob: page.blob, v: page.crc32c });
}

export function fetchThumbs(run: string, page: Page): Promise<ImageBitmap> {
  return fetchPicture('thumbs', { run, blob: page.blob, v: page.crc32c });
}

export function fetchPicture(route: string, query: Query): Promise<ImageBitmap> {
  return getBytes(route, query, (buffer) => {
    const bytes = new Uint8Array(buffer);
    const { width, height } = webpSize(bytes);
    if (width > MAX_SHEET_SIDE || height > MAX_SHEET_SIDE) {
      throw new WireError(`picture of ${width} × ${height} pixels exceeds ${MAX_SHEET_SIDE}`);
    }
    return createImageBitmap(new Blob([bytes], { type: 'image/webp' })).catch(() => {
      throw new WireError('picture cannot be decoded');
    });
  });
}

/** Responses that were recorded for the requests of the tab. */
export interface RecordedLog {
  respond(request: string): Promise<Response>;
}

/** Serves all requests; null if TensorBoard does. */
export let recorded: RecordedLog | null = null;

/** From now on `log` serves all requests. */
export function serveFrom(log: RecordedLog): void {
  recorded = log;
}

/** From now on the sample that comes with the plugin serves all requests. */
export async function openSample(): Promise<void> {
  const sample = await getBytes(SAMPLE, {}, readSafetensors);
  serveFrom({ respond: async (request) => respondFromSample(sample, request) });
}

export async function getBytes<T>(
  route: string,
  query: Query,
  read: (bytes: ArrayBuffer) => T | Promise<T>,
): Promise<T> {
  const [response, request] = await get(route, query);
  return decode(request, async () => read(await response.arrayBuffer()));
}

async function get(route: string, query: Query): Promise<[Response, string]> {
  const parameters = new URLSearchParams(
    Object.entries(query).map(([key, value]) => [key, String(value)]),
  ).toString();
  const request = parameters === '' ? route : `${route}?${parameters}`;
  let response: Response;
  try {
    response = await (recorded ? recorded.respond(request) : fetch(request));
  } catch {
    throw new Failure('unreachable', 'TensorBoard does not respond. Is it still running?', request);
  }
  if (!response.ok) throw await readFailure(response, request);
  return [response, request];
}

function respondFromSample(sample: Tensors, request: string): Response {
  if (!sample.has(request)) return new Response(null, { status: 404 });
  return new Response(sample.uint8(request, ...sample.shape(request)) as Uint8Array<ArrayBuffer>);
}

const FAILURE_KINDS: readonly FailureKind[] = ['not_found', 'damaged', 'too_new', 'internal'];

const MAX_MESSAGE = 2000;

async function readFailure(response: Response, request: string): Promise<Failure> {
  try {
    const body: unknown = await response.json();
    checkErrorResponse(body, 'response');
    const { kind, message } = body.error;
    const known = FAILURE_KINDS.find((one) => one === kind) ?? 'internal';
    return new Failure(known, message.slice(0, MAX_MESSAGE), request, response.status);
  } catch {
    const message = response.statusText || 'The server sent no reason.';
    return new Failure('internal', message, request, response.status);
  }
}

/** Runs `read`; what contradicts the wire's rules becomes a failure of kind `damaged`. */
async function decode<T>(request: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof WireError || error instanceof SyntaxError) {
      throw new Failure('damaged', error.message, request);
    }
    throw new Failure('unreachable', 'The response is incomplete.', request);
  }
}

/** Any thrown value as a `Failure`, so that panels have one shape to show. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Failure('internal', message, 'the tab itself');
}
