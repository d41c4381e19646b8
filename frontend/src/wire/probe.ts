// SPDX-License-Identifier: Apache-2.0
/** The images of a run's probe and their positions on sprite pages. */

import { getBytes } from './api';
import { checkProbeManifest } from './generated/validators';
import { WireError } from './json_checks';
import { checkSheets, type Page, pagesOf } from './manifest';
import { splitPack } from './packed_response';
import { readSafetensors } from './safetensors';

export interface ProbeManifest {
  readonly digest: string;
  readonly images: number;
  readonly inputSize: readonly [number, number];
  readonly thumbSize: readonly [number, number];
  readonly tile: number;
  readonly columns: number;
  readonly pages: readonly Page[];
}

export interface Probe {
  /** The run whose pictures they are. */
  readonly run: string;
  readonly manifest: ProbeManifest;
  /** Place in the sheets by image id. */
  readonly placeOf: ReadonlyMap<number, number>;
}

export function fetchProbe(run: string): Promise<Probe> {
  return getBytes('probe', { run }, (bytes) => {
    const pack = splitPack(bytes);
    const manifest = readProbeManifest(pack.manifest);
    const ids = readSafetensors(pack.buffer, pack.blobStart).int32('image_ids', manifest.images);
    return { run, manifest, placeOf: new Map(Array.from(ids, (id, place) => [id, place])) };
  });
}

export function readProbeManifest(json: unknown): ProbeManifest {
  checkProbeManifest(json, 'manifest');
  const { digest, images, input_size: inputSize, thumb_size: thumbSize, tile, columns } = json;
  const pages = pagesOf(json.blobs, 'thumbs', null);
  checkSheets('probe', images, tile, columns, pages);
  if (Math.max(...thumbSize) > tile) throw new WireError('thumbnails exceed their tile');
  return { digest, images, inputSize, thumbSize, tile, columns, pages };
}
