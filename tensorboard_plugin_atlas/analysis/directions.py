# SPDX-License-Identifier: Apache-2.0
"""Directions of activations and their exact nearest neighbors by cosine.

Orders of cosines must not depend on the processor, the number of threads or the order of sums in a
BLAS, because a layout amplifies rounding errors. So directions are rounded to a lattice first, on
which all sums below are exact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray

_BLOCK_ENTRIES = 1 << 22
"""Similarities in memory at a time: 32 MB of float64 for any number of samples."""

_LATTICE: Final = 2.0**26
"""Products of multiples of its inverse are multiples of 2^-52. Sums of these up to 2 are exact in
float64, and sums for unit rows are smaller. It is finer than float32 for entries above 1/4."""
_EXACT_BITS: Final = 53
"""Bits of integers that are exact in float64."""

_SAME_DIRECTION: Final = np.float32(2.0**-20)
"""Largest gap between entries of equal directions: eight times the rounding of float32."""


def finite_rows(activations: NDArray[Any]) -> NDArray[np.bool_]:
    """Returns (N,) bool: rows of the (N, C) `activations` without NaN or infinity."""
    finite: NDArray[np.bool_] = np.isfinite(activations).all(axis=1)
    return finite


def unit_rows(activations: NDArray[Any]) -> FloatArray:
    """Scales finite rows to length one, without overflow or underflow.

    Args:
        activations: (N, C), any float type, every entry finite.

    Returns:
        (N, C) float32, or (N, C + 1) if there are zero rows. Cosine is undefined for these, so they
        get a direction of their own: equal among each other, orthogonal to all others.
    """
    rows = np.asarray(activations)
    unit = np.empty((len(rows), rows.shape[1] + 1), np.float32)
    for block in row_blocks(*rows.shape):
        _scale_to_unit(rows[block], unit[block])
    has_zeros = bool(unit[:, -1].any())
    return unit if has_zeros else np.ascontiguousarray(unit[:, :-1])


def _scale_to_unit(rows: NDArray[Any], unit: FloatArray) -> None:
    """Writes (B, C) rows of length one, and a last column that is 1 for zero rows."""
    rows = rows if rows.dtype == np.float64 else rows.astype(np.float32)
    peak = np.abs(rows).max(axis=1, keepdims=True)
    zero = peak == 0
    # Only division and square root round, equally on all processors.
    whole = to_integers(rows / np.where(zero, 1, peak), rows.shape[1])
    length = np.sqrt(np.einsum("nc,nc->n", whole, whole))[:, None]
    unit[:, :-1] = whole / np.where(zero, 1, length)
    unit[:, -1:] = zero


def to_integers(values: NDArray[Any], terms: int) -> NDArray[np.float64]:
    """Scales values in [-1, 1] to integers with exact sums of products.

    Args:
        values: Of any shape.
        terms: Largest number of products in a sum.

    Returns:
        float64 of the same shape: `values` times a power of two, rounded.
    """
    scale = 2.0 ** ((_EXACT_BITS - terms.bit_length()) // 2)
    whole: NDArray[np.float64] = np.rint(values.astype(np.float64) * scale)
    return whole


def exact_cosines(a: FloatArray, b: FloatArray) -> NDArray[np.float64]:
    """Returns (A, B) float64 cosines, bitwise equal on all processors.

    Args:
        a: (A, C) from `unit_rows`.
        b: (B, C), likewise.
    """
    cosines = np.empty((len(a), len(b)))
    left = _round_to_lattice(a)
    for part in row_blocks(len(b), b.shape[1]):
        np.matmul(left, _round_to_lattice(b[part]).T, out=cosines[:, part])
    return cosines


def cosines_by_block(unit: FloatArray, queries: NDArray[np.intp]) -> Iterator[NDArray[np.float64]]:
    """Yields exact cosines of some rows with all rows, in a bounded amount of memory.

    Few rows and all queries at a time: each row is rounded to the lattice once.

    Args:
        unit: (N, C) from `unit_rows`.
        queries: (Q,) some of these rows.

    Yields:
        (Q, B) cosines with B successive rows; -inf for a query with itself.
    """
    for block in row_blocks(len(unit), len(queries)):
        cosines = exact_cosines(unit[queries], unit[block])
        inside = (queries >= block.start) & (queries < block.stop)
        cosines[inside, queries[inside] - block.start] = -np.inf
        yield cosines


def neighbor_cosines(
    unit: FloatArray, queries: NDArray[np.intp], neighbors: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Returns (Q, k) exact cosines of rows with their neighbors.

    Args:
        unit: (N, C) from `unit_rows`.
        queries: (Q,) some of these rows.
        neighbors: (Q, k) the neighbors of each.
    """
    pairs = zip(queries, neighbors, strict=True)
    return np.concatenate([exact_cosines(unit[[query]], unit[near]) for query, near in pairs])


def _round_to_lattice(unit: FloatArray) -> NDArray[np.float64]:
    rounded: NDArray[np.float64] = np.rint(unit.astype(np.float64) * _LATTICE)
    rounded /= _LATTICE
    return rounded


def distinct_directions(unit: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Finds the rows that differ from all rows before them by more than rounding.

    Two rows are distinct if a channel separates them: there is a gap wider than the rounding of
    float32 between their values, without a row in it. Rounding to a lattice would separate nearly
    equal values next to a boundary.

    Args:
        unit: (N, C) from `unit_rows`.

    Returns:
        `first` (U,): the first row of each of the U directions, ascending; and `group` (N,): index
        into `first` of the direction of each row.
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
    return _in_order(first, group)


def _in_order(
    first: NDArray[np.intp], group: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Sorts groups by their first row."""
    order = np.argsort(first)
    position = np.empty_like(order)
    position[order] = np.arange(len(order))
    return first[order], position[group]


def hashed_directions(unit: FloatArray) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Finds distinct directions among very many rows, in linear time.

    As `distinct_directions`, but rows that are equal only up to rounding may stay distinct, since
    they are rounded to a lattice.

    Args:
        unit: (N, C) from `unit_rows`.

    Returns:
        As `distinct_directions`.
    """
    factors = np.random.default_rng(0).integers(1 << 63, size=unit.shape[1], dtype=np.uint64)
    hashes = np.empty(len(unit), np.uint64)
    for block in row_blocks(*unit.shape):
        whole = np.rint(unit[block] * (1 / _SAME_DIRECTION)).astype(np.int64).view(np.uint64)
        hashes[block] = (whole * (2 * factors + 1)).sum(axis=1)
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    return _in_order(first, group)


def row_blocks(rows: int, columns: int) -> list[slice]:
    """Returns slices of `rows` so that slice x `columns` fits into a bounded buffer."""
    step = max(1, _BLOCK_ENTRIES // max(columns, 1))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def nearest_neighbors(unit: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Returns the exact `k` nearest other rows of each row by cosine, nearest first.

    Args:
        unit: (N, C) from `unit_rows`.
        k: Number of neighbors, 0 <= k < N.

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
    """Returns (N, k): columns of the `k` smallest values of each row, ascending; ties in order.

    `np.argpartition` does not define the order of ties, which differs between processors.

    Args:
        values: (N, M).
        k: Number of columns, 1 <= k <= M.
    """
    limit = np.partition(values, k - 1, axis=1)[:, k - 1, None]
    chosen = values <= limit
    with_ties = np.flatnonzero(np.count_nonzero(chosen, axis=1) > k)
    ties = values[with_ties] == limit[with_ties]
    room = k - np.count_nonzero(values[with_ties] < limit[with_ties], axis=1)
    chosen[with_ties] &= ~ties | (np.cumsum(ties, axis=1) <= room[:, None])
    return np.nonzero(chosen)[1].reshape(len(values), k)
