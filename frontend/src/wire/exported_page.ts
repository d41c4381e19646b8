// SPDX-License-Identifier: Apache-2.0
/** Reads the responses that `tensorboard-atlas export` stored in this page. */

import type { RecordedLog } from './api';
import type { ExportedPage } from './generated/types';
import { checkExportedPage } from './generated/validators';

/** What the page says about itself. */
export type PageInfo = Pick<ExportedPage, 'title' | 'exported' | 'omitted'>;

const MISSING = JSON.stringify({
  error: { kind: 'not_found', message: 'It was left out when this page was exported.' },
});

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
    if (found === undefined) return new Response(MISSING, { status: 404 });
    const [{ status, gzipped }, at] = found;
    const stored = new Response(decodeBase64(textOf(page, `atlas-${at}`)));
    const body = gzipped ? stored.body?.pipeThrough(new DecompressionStream('gzip')) : stored.body;
    return new Response(body ?? null, { status });
  };
  return { info: contents, link: contents.link, log: { respond } };
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
