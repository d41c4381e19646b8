# SPDX-License-Identifier: Apache-2.0
"""Directions of activation vectors and their exact nearest neighbours by cosine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray

_BLOCK_ENTRIES = 1 << 23
"""Similarities held at once: 32 MB of float32, whatever the number of samples."""

_DIRECTION_STEPS = 1 << 20
"""Directions equal to this many steps per unit are one direction; above float32's rounding."""


def finite_rows(activations: NDArray[Any]) -> NDArray[np.bool_]:
    """Returns (N,) bool: rows of the (N, C) `activations` without NaN or infinity."""
    finite: NDArray[np.bool_] = np.isfinite(activations).all(axis=1)
    return finite


def unit_rows(activations: NDArray[Any]) -> FloatArray:
    """Scales finite rows to length one, without overflow or underflow on the way.

    Args:
        activations: (N, C), any float type, every entry finite.

    Returns:
        (N, C) float32, or (N, C + 1) when some row is all zero. Cosine is undefined for a zero row,
        so it becomes a direction of its own: equal to other zero rows, at right angles to the rest.
    """
    rows = np.asarray(activations)
    rows = rows if rows.dtype == np.float64 else rows.astype(np.float32)
    peak = np.abs(rows).max(axis=1, keepdims=True)
    zero = peak == 0
    rows = rows / np.where(zero, 1, peak)
    length = np.sqrt(np.einsum("nc,nc->n", rows, rows))[:, None]
    unit = (rows / np.where(zero, 1, length)).astype(np.float32)
    return np.hstack([unit, zero.astype(np.float32)]) if zero.any() else unit


def distinct_directions(unit: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Finds the rows that differ from all rows before them.

    Args:
        unit: (N, C) from `unit_rows`.

    Returns:
        `first` (U,): the rows where each of the U directions appears first, ascending; and `group`
        (N,): for every row the index into `first` of its direction.
    """
    steps = np.ascontiguousarray(np.rint(unit * _DIRECTION_STEPS).astype(np.int32))
    keys = steps.view(np.dtype((np.void, steps.itemsize * steps.shape[1]))).ravel()
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[group]


def row_blocks(rows: int, columns: int) -> list[slice]:
    """Returns slices that cut `rows` so that block x `columns` fits in a bounded buffer."""
    step = max(1, _BLOCK_ENTRIES // max(columns, 1))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def nearest(unit: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Returns the exact `k` nearest other rows of each row by cosine, nearest first.

    Args:
        unit: (N, C) from `unit_rows`.
        k: Neighbours wanted, 0 <= k < N.

    Returns:
        Indices (N, k) int32 and cosine distances (N, k) float32 in [0, 2].
    """
    n = len(unit)
    indices = np.empty((n, k), np.int32)
    distances = np.empty((n, k), np.float32)
    if k == 0:
        return indices, distances
    for block in row_blocks(n, n):
        away = -(unit[block] @ unit.T)
        away[np.arange(len(away)), np.arange(block.start, block.stop)] = np.inf
        closest = np.argpartition(away, k - 1, axis=1)[:, :k]
        value = np.take_along_axis(away, closest, axis=1)
        order = np.argsort(value, axis=1, kind="stable")
        indices[block] = np.take_along_axis(closest, order, axis=1)
        distances[block] = np.clip(1 + np.take_along_axis(value, order, axis=1), 0, 2)
    return indices, distances
