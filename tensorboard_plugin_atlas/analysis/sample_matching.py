# SPDX-License-Identifier: Apache-2.0
"""Matching of the samples of two atlases by image and position."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.class_series import class_atlas_of
from tensorboard_plugin_atlas.atlas import Atlas, IntArray

MAX_LABEL_DISAGREEMENT: Final = 0.02
"""With a larger fraction of different labels, image ids refer to different datasets."""

UNCHECKED_IDS: Final = "image ids were not verified, because there are no labels"

_MAX_DISTANCE: Final = 0.1
"""Largest distance of matched positions, as a fraction of the side of the image."""


def match_samples(a: Atlas, b: Atlas) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the rows of the R shared samples in `a` and in `b`, each (R,).

    Samples of the same probe correspond row by row. Class atlases of one layer and probe are
    matched by `match_positions`. Others are matched by `match_receptive_fields`, which assumes that
    equal image ids refer to the same image.

    Args:
        a: The first atlas.
        b: The second atlas.
    """
    if is_same_probe(a, b):
        rows = np.arange(len(a.samples))
        return rows, rows
    if a.provenance.probe == b.provenance.probe and _source_layer(a) == _source_layer(b):
        return match_positions(a.image_ids, a.positions, b.image_ids, b.positions)
    return match_receptive_fields(a.image_ids, a.boxes, b.image_ids, b.boxes)


def is_same_probe(a: Atlas, b: Atlas) -> bool:
    """Returns whether row j of both is the same sample for all j."""
    if a.provenance.probe != b.provenance.probe or not np.array_equal(a.image_ids, b.image_ids):
        return False
    # Samples of class atlases may be at other positions of the same images.
    free = class_atlas_of(a.provenance) is None and class_atlas_of(b.provenance) is None
    return free or (
        _source_layer(a) == _source_layer(b) and np.array_equal(a.positions, b.positions)
    )


def _source_layer(atlas: Atlas) -> str:
    chosen = class_atlas_of(atlas.provenance)
    return atlas.layer if chosen is None else chosen[0]


def match_positions(
    ids_a: IntArray, positions_a: IntArray, ids_b: IntArray, positions_b: IntArray
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the (R,) rows of both with the same image and position on one feature map.

    Args:
        ids_a: (N,) image ids.
        positions_a: (N, 2) row and column on the feature map.
        ids_b: (M,) image ids of the other.
        positions_b: (M, 2).

    Returns:
        (R,) rows of `a`, ascending, and (R,) rows of `b`. Duplicate positions count once.
    """
    there = {key: row for row, key in enumerate(_as_keys(ids_b, positions_b))}
    here = {key: row for row, key in enumerate(_as_keys(ids_a, positions_a))}
    pairs = sorted((row, there[key]) for key, row in here.items() if key in there)
    found = np.array(pairs, np.intp).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _as_keys(ids: IntArray, positions: IntArray) -> list[tuple[int, int, int]]:
    columns = (ids.tolist(), *positions.T.tolist())
    return list(zip(*columns, strict=True))


def match_receptive_fields(
    ids_a: IntArray, boxes_a: IntArray, ids_b: IntArray, boxes_b: IntArray
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Matches samples of the same image by the nearest receptive fields, each at most once.

    Centers are compared relative to the size of the image, so that layers of any stride and input
    size can be matched.

    Args:
        ids_a: (N,) image ids.
        boxes_a: (N, 4) y0, x0, y1, x1 in input pixels, as `Samples.boxes`.
        ids_b: (M,) image ids of the other.
        boxes_b: (M, 4).

    Returns:
        (R,) rows of `a`, ascending, and (R,) rows of `b`, with distances up to a tenth of the side.
    """
    candidates = _pair_by_image(ids_a, ids_b)
    centers_a, centers_b = _find_centers(boxes_a), _find_centers(boxes_b)
    away = np.linalg.norm(centers_a[candidates[:, 0]] - centers_b[candidates[:, 1]], axis=1)
    free_a, free_b = np.ones(len(ids_a), bool), np.ones(len(ids_b), bool)
    found = []
    for i in np.argsort(away, kind="stable"):
        row_a, row_b = candidates[i]
        if away[i] > _MAX_DISTANCE:
            break
        if free_a[row_a] and free_b[row_b]:
            free_a[row_a] = free_b[row_b] = False
            found.append((row_a, row_b))
    chosen = np.array(sorted(found), np.intp).reshape(-1, 2)
    return chosen[:, 0], chosen[:, 1]


def _pair_by_image(ids_a: IntArray, ids_b: IntArray) -> NDArray[np.intp]:
    """Returns (P, 2): all pairs of rows of the same image."""
    order = np.argsort(ids_b, kind="stable")
    first = np.searchsorted(ids_b[order], ids_a, side="left")
    count = np.searchsorted(ids_b[order], ids_a, side="right") - first
    rows_a = np.repeat(np.arange(len(ids_a)), count)
    within = np.arange(len(rows_a)) - np.repeat(np.cumsum(count) - count, count)
    return np.stack([rows_a, order[np.repeat(first, count) + within]], axis=1)


def _find_centers(boxes: IntArray) -> NDArray[np.float64]:
    """Returns (N, 2) centers of receptive fields, relative to the size of the image."""
    ends = boxes.astype(np.float64)
    side = np.maximum(ends[:, 2:].max(axis=0, initial=1), 1)
    middle: NDArray[np.float64] = (ends[:, :2] + ends[:, 2:]) / 2 / side
    return middle


def label_disagreement(a: NDArray[Any] | None, b: NDArray[Any] | None) -> float:
    """Returns the fraction of samples with different labels; 0 if either has no labels.

    Args:
        a: (R, L) labels in any order, padded with -1, or None.
        b: (R, M) labels of the same samples, or None.
    """
    if a is None or b is None or not len(a):
        return 0.0
    width = max(a.shape[1], b.shape[1])
    ours, theirs = (
        np.sort(np.pad(one, ((0, 0), (0, width - one.shape[1])), constant_values=-1), axis=1)
        for one in (a, b)
    )
    return float((ours != theirs).any(axis=1).mean())
