# SPDX-License-Identifier: Apache-2.0
"""Directions of activation vectors and their exact nearest neighbors by cosine.

Which of two samples is nearer, and which are the same, must not depend on the processor, on the
number of threads or on how a BLAS orders its sums: a map amplifies the last bit. So directions and
cosines are rounded to a lattice first, on which every sum below is exact.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray

_BLOCK_ENTRIES = 1 << 22
"""Similarities held at once: 32 MB of float64, whatever the number of samples."""

_LATTICE: Final = 2.0**26
"""Products of multiples of its inverse are multiples of 2^-52, and float64 holds such sums up to 2
exactly; those of unit rows stay below. Finer than float32 where it matters: an entry above 1/4."""
_EXACT_BITS: Final = 53
"""Bits of the integers that float64 holds exactly."""

_SAME_DIRECTION: Final = np.float32(2.0**-20)
"""The widest gap between entries of one direction: eight times float32's rounding of them."""


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
    # Only division and root round, and they do alike everywhere.
    whole = to_integers(rows / np.where(zero, 1, peak), rows.shape[1])
    length = np.sqrt(np.einsum("nc,nc->n", whole, whole))[:, None]
    unit = (whole / np.where(zero, 1, length)).astype(np.float32)
    return np.hstack([unit, zero.astype(np.float32)]) if zero.any() else unit


def to_integers(values: NDArray[Any], terms: int) -> NDArray[np.float64]:
    """Scales values in [-1, 1] to integers, so large that sums of their products are still exact.

    Args:
        values: Of any shape.
        terms: Products that one sum has at most.

    Returns:
        float64 of the same shape, rounded: `values` times a power of two.
    """
    scale = 2.0 ** ((_EXACT_BITS - terms.bit_length()) // 2)
    whole: NDArray[np.float64] = np.rint(values.astype(np.float64) * scale)
    return whole


def exact_cosines(a: FloatArray, b: FloatArray) -> NDArray[np.float64]:
    """Returns (A, B) float64 cosines, equal to the last bit on any processor and in any process.

    Args:
        a: (A, C) from `unit_rows`.
        b: (B, C), likewise.
    """
    cosines = np.empty((len(a), len(b)))
    left = _on_lattice(a)
    for part in row_blocks(len(b), b.shape[1]):
        np.matmul(left, _on_lattice(b[part]).T, out=cosines[:, part])
    return cosines


def _on_lattice(unit: FloatArray) -> NDArray[np.float64]:
    rounded: NDArray[np.float64] = np.rint(unit.astype(np.float64) * _LATTICE)
    rounded /= _LATTICE
    return rounded


def distinct_directions(unit: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Finds the rows that differ from all rows before them by more than rounding.

    Rows are one direction where no channel tells them apart. A channel tells values apart that have
    a gap between them, wider than float32's rounding, in which no row lies: rounding to multiples
    would part rows that differ by next to nothing, wherever they lie beside a boundary.

    Args:
        unit: (N, C) from `unit_rows`.

    Returns:
        `first` (U,): the rows where each of the U directions appears first, ascending; and `group`
        (N,): for every row the index into `first` of its direction.
    """
    by_channel = np.ascontiguousarray(unit.T)
    order = np.argsort(by_channel, axis=1)
    rank = np.zeros(by_channel.shape, np.int32)
    gaps = np.diff(np.take_along_axis(by_channel, order, axis=1), axis=1) > _SAME_DIRECTION
    np.cumsum(gaps, axis=1, out=rank[:, 1:])
    ranks = np.empty_like(rank)
    np.put_along_axis(ranks, order, rank, axis=1)
    keys = np.ascontiguousarray(ranks.T)
    keys = keys.view(np.dtype((np.void, keys.itemsize * keys.shape[1]))).ravel()
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[group]


def row_blocks(rows: int, columns: int) -> list[slice]:
    """Returns slices that cut `rows` so that block x `columns` fits in a bounded buffer."""
    step = max(1, _BLOCK_ENTRIES // max(columns, 1))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def nearest_neighbors(unit: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Returns the exact `k` nearest other rows of each row by cosine, nearest first.

    Args:
        unit: (N, C) from `unit_rows`.
        k: Neighbors wanted, 0 <= k < N.

    Returns:
        Indices (N, k) int32 and cosine distances (N, k) float32 in [0, 2].
    """
    n = len(unit)
    indices = np.empty((n, k), np.int32)
    distances = np.empty((n, k), np.float32)
    if k == 0:
        return indices, distances
    for block in row_blocks(n, n):
        away = -exact_cosines(unit[block], unit)
        away[np.arange(len(away)), np.arange(block.start, block.stop)] = np.inf
        closest = smallest_columns(away, k)
        value = np.take_along_axis(away, closest, axis=1)
        order = np.argsort(value, axis=1, kind="stable")
        indices[block] = np.take_along_axis(closest, order, axis=1)
        distances[block] = np.clip(1 + np.take_along_axis(value, order, axis=1), 0, 2)
    return indices, distances


def smallest_columns(values: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """Returns (N, k): columns of the `k` smallest values of each row, ascending; of ties the first.

    `np.argpartition` takes any of equal ones, and which differs between processors.

    Args:
        values: (N, M).
        k: Columns wanted, 1 <= k <= M.
    """
    limit = np.partition(values, k - 1, axis=1)[:, k - 1, None]
    chosen = values <= limit
    crowded = np.flatnonzero(np.count_nonzero(chosen, axis=1) > k)
    ties = values[crowded] == limit[crowded]
    room = k - np.count_nonzero(values[crowded] < limit[crowded], axis=1)
    chosen[crowded] &= ~ties | (np.cumsum(ties, axis=1) <= room[:, None])
    return np.nonzero(chosen)[1].reshape(len(values), k)
