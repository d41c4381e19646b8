// SPDX-License-Identifier: Apache-2.0
/** Reads the responses that `tensorboard-atlas export` stored in this page. */

import type { RecordedLog } from './api';
import type { ExportedPage } from './generated/types';
import { checkExportedPage } from './generated/validators';

/** What the page says about itself. */
export type PageInfo = Pick<ExportedPage, 'title' | 'exported' | 'omitted'>;

/** The log in a page: each response is the base64 text of an element of its own. */
export function readExportedPage(page: Document): { info: PageInfo; log: RecordedLog } {
  const contents: unknown = JSON.parse(textOf(page, 'atlas-page'));
  checkExportedPage(contents, 'page');
  const places = new Map(contents.requests.map((one, at) => [one.request, [one, at] as const]));
  const respond = async (request: string) => {
    const found = places.get(request);
    if (found === undefined) return respondMissing(request);
    const [{ status, gzipped }, at] = found;
    const stored = new Response(decodeBase64(textOf(page, `atlas-${at}`)));
    const body = gzipped ? stored.body?.pipeThrough(new DecompressionStream('gzip')) : stored.body;
    return new Response(body ?? null, { status });
  };
  return { info: contents, log: { respond } };
}

function respondMissing(request: string): Response {
  const message = request.startsWith('activations?')
    ? 'This page was exported without activations.'
    : 'This was left out when the page was exported.';
  return new Response(JSON.stringify({ error: { kind: 'not_found', message } }), { status: 404 });
}

function textOf(page: Document, id: string): string {
  return page.getElementById(id)?.textContent ?? '';
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
