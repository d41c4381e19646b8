// SPDX-License-Identifier: Apache-2.0
/** Splits a packed response: u32 length, manifest JSON padded with spaces, and one aligned blob. */

import { MAX_MANIFEST_BYTES } from './generated/limits';
import { WireError } from './json_checks';

export interface Pack {
  /** Parsed JSON, not yet checked. */
  readonly manifest: unknown;
  readonly buffer: ArrayBuffer;
  /** Where the blob begins in `buffer`; it ends with the buffer. */
  readonly blobStart: number;
}

export function splitPack(buffer: ArrayBuffer): Pack {
  if (buffer.byteLength < 4) throw new WireError('response is shorter than its length field');
  const length = new DataView(buffer).getUint32(0, true);
  if (length > MAX_MANIFEST_BYTES || length > buffer.byteLength - 4) {
    throw new WireError(`manifest of ${length} bytes exceeds the response`);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      new Uint8Array(buffer, 4, length),
    );
    return { manifest: JSON.parse(text), buffer, blobStart: 4 + length };
  } catch {
    throw new WireError('manifest is not JSON');
  }
}
