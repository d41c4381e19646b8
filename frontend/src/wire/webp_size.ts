// SPDX-License-Identifier: Apache-2.0
/** Reads the size of a WebP image from its first 30 bytes, before a decoder allocates memory for it. */

import { WireError } from './json_checks';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Width and height by the RIFF container's three forms (VP8, VP8L, VP8X). */
export function webpSize(bytes: Uint8Array): PictureSize {
  if (bytes.length < 30 || ascii(bytes, 0) !== 'RIFF' || ascii(bytes, 8) !== 'WEBP') {
    throw new WireError('picture is not WebP');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (ascii(bytes, 12)) {
    case 'VP8 ':
      return {
        width: view.getUint16(26, true) & 0x3fff,
        height: view.getUint16(28, true) & 0x3fff,
      };
    case 'VP8L': {
      const packed = view.getUint32(21, true);
      return { width: (packed & 0x3fff) + 1, height: ((packed >> 14) & 0x3fff) + 1 };
    }
    case 'VP8X':
      return {
        width: (view.getUint32(24, true) & 0xffffff) + 1,
        height: (view.getUint32(26, true) >>> 8) + 1,
      };
    default:
      throw new WireError('picture is WebP of an unknown form');
  }
}

function ascii(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
