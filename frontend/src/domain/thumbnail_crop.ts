// SPDX-License-Identifier: Apache-2.0
/** Finds the patch of a sample, and its whole image, on the thumbnail pages of the probe. */

import type { Atlas } from '../wire/atlas';
import type { Probe } from '../wire/probe';
import type { Rect } from './display_types';

export interface ThumbnailCrop {
  readonly page: number;
  /** The whole thumbnail on its page. */
  readonly image: Rect;
  /** The patch on the same page, clipped to the image. */
  readonly patch: Rect;
}

/** Returns the crop of sample `index`, or null if the probe does not contain its image. */
export function cropOfSample(atlas: Atlas, probe: Probe, index: number): ThumbnailCrop | null {
  const box = atlas.boxes.subarray(4 * index, 4 * index + 4);
  return cropOfBox(probe, atlas.imageIds[index] as number, box);
}

/** Returns the crop of a box of an image: y0, x0, y1, x1 in input pixels. */
export function cropOfBox(
  probe: Probe,
  image: number,
  box: Iterable<number>,
): ThumbnailCrop | null {
  const place = probe.placeOf.get(image);
  if (place === undefined) return null;
  const { tile, columns, inputSize, thumbSize } = probe.manifest;
  const onPage = place % (columns * columns);
  const left = (onPage % columns) * tile;
  const top = Math.floor(onPage / columns) * tile;
  const [y0 = 0, x0 = 0, y1 = 0, x1 = 0] = box;
  const rows = span(y0, y1, inputSize[0], thumbSize[0]);
  const columnsSpan = span(x0, x1, inputSize[1], thumbSize[1]);
  return {
    page: Math.floor(place / (columns * columns)),
    image: { x: left, y: top, width: thumbSize[1], height: thumbSize[0] },
    patch: {
      x: left + columnsSpan.start,
      y: top + rows.start,
      width: columnsSpan.length,
      height: rows.length,
    },
  };
}

/** Input pixels `from` to `to` on the thumbnail, clipped to it and at least one pixel long. */
function span(
  from: number,
  to: number,
  input: number,
  thumb: number,
): { start: number; length: number } {
  const scale = thumb / input;
  const start = Math.min(thumb - 1, Math.max(0, from * scale));
  const end = Math.min(thumb, Math.max(start + 1, to * scale));
  return { start, length: end - start };
}
