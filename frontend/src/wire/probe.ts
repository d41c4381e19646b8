// SPDX-License-Identifier: Apache-2.0
/** The pictures of a run's probe: which there are and where they lie on their pages. */

import { decode, get } from './api';
import { asNumber, type Fields, WireError } from './json_reader';
import {
  checkSheets,
  MAX_SAMPLES,
  MAX_SHEET_SIDE,
  openManifest,
  type Page,
  pagesOf,
  readBlobs,
} from './manifest';
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

export async function fetchProbe(run: string): Promise<Probe> {
  const [response, request] = await get('probe', { run });
  return decode(request, async () => {
    const pack = splitPack(await response.arrayBuffer());
    const manifest = readProbeManifest(pack.manifest);
    const ids = readSafetensors(pack.buffer, pack.blobStart).int32('image_ids', manifest.images);
    return { run, manifest, placeOf: new Map(Array.from(ids, (id, place) => [id, place])) };
  });
}

export function readProbeManifest(json: unknown): ProbeManifest {
  const manifest = openManifest(json, 'probe');
  const images = manifest.whole('images', 1, MAX_SAMPLES);
  const tile = manifest.whole('tile', 1, MAX_SHEET_SIDE);
  const columns = manifest.whole('columns', 1, MAX_SHEET_SIDE);
  const pages = pagesOf(readBlobs(manifest), 'thumbs', null);
  checkSheets('probe', images, tile, columns, pages);
  const thumbSize = pair(manifest, 'thumb_size');
  if (thumbSize[0] > tile || thumbSize[1] > tile)
    throw new WireError('thumbnails exceed their tile');
  return {
    digest: manifest.text('digest'),
    images,
    inputSize: pair(manifest, 'input_size'),
    thumbSize,
    tile,
    columns,
    pages,
  };
}

function pair(manifest: Fields, key: string): readonly [number, number] {
  const [height, width] = manifest.list(key, 2, asNumber);
  if (height === undefined || width === undefined || !(height >= 1) || !(width >= 1)) {
    throw new WireError(`manifest.${key} is not [height, width]`);
  }
  return [height, width];
}
