// SPDX-License-Identifier: Apache-2.0
/** Reads the responses that `tensorboard-atlas export` stored in this page. */

import type { RecordedLog } from './api';
import type { ExportedPage } from './generated/types';
import { checkExportedPage } from './generated/validators';

/** What the page says about itself. */
export type PageInfo = Pick<ExportedPage, 'title' | 'exported' | 'omitted'>;

interface PageLog {
  readonly info: PageInfo;
  /** Hash of the address that the page opens with, or nothing. */
  readonly link: string;
  readonly log: RecordedLog;
}

/** The log in a page: each response is the base64 text of an element of its own. */
export function readExportedPage(page: Document): PageLog {
  const contents: unknown = JSON.parse(textOf(page, 'atlas-page'));
  checkExportedPage(contents, 'page');
  const places = new Map(contents.requests.map((one, at) => [one.request, [one, at] as const]));
  const respond = async (request: string) => {
    const found = places.get(request);
    if (found === undefined) return respondMissing(request);
    const [{ status, gzipped }, at] = found;
    try {
      return new Response(await readBody(textOf(page, `atlas-${at}`), gzipped), { status });
    } catch {
      return respondFailure(422, 'damaged', 'This page is damaged: get another copy of it.');
    }
  };
  return { info: contents, link: contents.link, log: { respond } };
}

function respondMissing(request: string): Response {
  const message = request.startsWith('activations?')
    ? 'This page was exported without activations.'
    : 'This was left out when the page was exported.';
  return respondFailure(404, 'not_found', message);
}

function respondFailure(status: number, kind: string, message: string): Response {
  return new Response(JSON.stringify({ error: { kind, message } }), { status });
}

async function readBody(text: string, gzipped: boolean): Promise<ArrayBuffer> {
  const { body } = new Response(decodeBase64(text));
  const unpacked = gzipped ? body?.pipeThrough(new DecompressionStream('gzip')) : body;
  return new Response(unpacked ?? null).arrayBuffer();
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
