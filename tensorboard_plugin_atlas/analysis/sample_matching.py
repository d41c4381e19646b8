# SPDX-License-Identifier: Apache-2.0
"""Which samples of two atlases are the same: the same spot of the same image."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.class_series import class_atlas_of
from tensorboard_plugin_atlas.atlas import Atlas, IntArray

MAX_LABEL_DISAGREEMENT: Final = 0.02
"""With more labels than this in disagreement, image ids mean other images."""

UNCHECKED_IDS: Final = "image ids were trusted, since there are no labels to check them by"

_SAME_SPOT: Final = 0.1
"""Two spots of an image closer than this share of its side are the same spot."""


def match_samples(a: Atlas, b: Atlas) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the (R,) rows of `a` and of `b` that are the same samples.

    Row by row for one probe. Where classes chose the samples of one layer and probe, by
    `match_positions`. Else by `match_receptive_fields`, which trusts that ids mean the same images.
    """
    if is_same_probe(a, b):
        rows = np.arange(len(a.samples))
        return rows, rows
    if a.provenance.probe == b.provenance.probe and _asked_layer(a) == _asked_layer(b):
        return match_positions(a.image_ids, a.positions, b.image_ids, b.positions)
    return match_receptive_fields(a.image_ids, a.boxes, b.image_ids, b.boxes)


def is_same_probe(a: Atlas, b: Atlas) -> bool:
    """Tells whether row j of both is the same sample."""
    if a.provenance.probe != b.provenance.probe or not np.array_equal(a.image_ids, b.image_ids):
        return False
    # Samples that a class chose may be other places of the same images.
    free = class_atlas_of(a.provenance) is None and class_atlas_of(b.provenance) is None
    return free or (_asked_layer(a) == _asked_layer(b) and np.array_equal(a.positions, b.positions))


def _asked_layer(atlas: Atlas) -> str:
    chosen = class_atlas_of(atlas.provenance)
    return atlas.layer if chosen is None else chosen[0]


def match_positions(
    ids_a: IntArray, positions_a: IntArray, ids_b: IntArray, positions_b: IntArray
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the (R,) rows of both that are the same place on one layer's map of the same image.

    Args:
        ids_a: (N,) image ids.
        positions_a: (N, 2) row and column on the layer's map.
        ids_b: (M,) image ids of the other.
        positions_b: (M, 2).

    Returns:
        (R,) rows of `a`, ascending, and (R,) rows of `b`. A place that comes twice counts once.
    """
    there = {spot: row for row, spot in enumerate(_spelled(ids_b, positions_b))}
    here = {spot: row for row, spot in enumerate(_spelled(ids_a, positions_a))}
    pairs = sorted((row, there[spot]) for spot, row in here.items() if spot in there)
    found = np.array(pairs, np.intp).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _spelled(ids: IntArray, positions: IntArray) -> list[tuple[int, int, int]]:
    columns = (ids.tolist(), *positions.T.tolist())
    return list(zip(*columns, strict=True))


def match_receptive_fields(
    ids_a: IntArray, boxes_a: IntArray, ids_b: IntArray, boxes_b: IntArray
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs samples of one image whose receptive fields lie closest, each sample at most once.

    Spots are compared in sides of the image, so that layers of any stride and input size compare.

    Args:
        ids_a: (N,) image ids.
        boxes_a: (N, 4) y0, x0, y1, x1 in input pixels, as `Samples.boxes`.
        ids_b: (M,) image ids of the other.
        boxes_b: (M, 4).

    Returns:
        (R,) rows of `a`, ascending, and (R,) rows of `b`: the same spot to a tenth of the side.
    """
    candidates = _of_one_image(ids_a, ids_b)
    spots_a, spots_b = _spots(boxes_a), _spots(boxes_b)
    away = np.linalg.norm(spots_a[candidates[:, 0]] - spots_b[candidates[:, 1]], axis=1)
    free_a, free_b = np.ones(len(ids_a), bool), np.ones(len(ids_b), bool)
    found = []
    for i in np.argsort(away, kind="stable"):
        row_a, row_b = candidates[i]
        if away[i] > _SAME_SPOT:
            break
        if free_a[row_a] and free_b[row_b]:
            free_a[row_a] = free_b[row_b] = False
            found.append((row_a, row_b))
    chosen = np.array(sorted(found), np.intp).reshape(-1, 2)
    return chosen[:, 0], chosen[:, 1]


def _of_one_image(ids_a: IntArray, ids_b: IntArray) -> NDArray[np.intp]:
    """Returns (P, 2): all pairs of rows that are of one image."""
    order = np.argsort(ids_b, kind="stable")
    first = np.searchsorted(ids_b[order], ids_a, side="left")
    count = np.searchsorted(ids_b[order], ids_a, side="right") - first
    rows_a = np.repeat(np.arange(len(ids_a)), count)
    within = np.arange(len(rows_a)) - np.repeat(np.cumsum(count) - count, count)
    return np.stack([rows_a, order[np.repeat(first, count) + within]], axis=1)


def _spots(boxes: IntArray) -> NDArray[np.float64]:
    """Returns (N, 2): the middle of each sample's receptive field, in sides of the image."""
    ends = boxes.astype(np.float64)
    side = np.maximum(ends[:, 2:].max(axis=0, initial=1), 1)
    middle: NDArray[np.float64] = (ends[:, :2] + ends[:, 2:]) / 2 / side
    return middle


def label_disagreement(a: NDArray[Any] | None, b: NDArray[Any] | None) -> float:
    """Returns the share of samples whose labels differ; 0 where either has none."""
    if a is None or b is None or not len(a):
        return 0.0
    return float((a != b).mean())
