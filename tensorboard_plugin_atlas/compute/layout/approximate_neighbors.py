# SPDX-License-Identifier: Apache-2.0
"""Approximate nearest neighbors of many rows by cosine, in nearly linear time.

Rows are divided into lists by k-means (an inverted file: Jegou, Douze and Schmid 2011). Each row is
compared with the rows of the lists nearest to it by matrix products. Then each row is compared with
the neighbors of its neighbors and reverse neighbors (Dong, Charikar and Li 2011), which finds most
of the neighbors that are in other lists.

Directions are rounded to integers whose products have exact sums in float32. So the similarities of
rows do not depend on the order of sums in a BLAS, on the processor, or on the number of threads.
Only the lists may differ between processors, since k-means computes in floating point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.concepts.spherical_kmeans import (
    find_micro_clusters,
    nearest_centers,
)
from tensorboard_plugin_atlas.analysis.directions import (
    cosines_by_block,
    neighbor_cosines,
    row_blocks,
)
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks

_ROWS_PER_LIST: Final = 400
_SEARCHED_LISTS: Final = 24
_BLOCK_ROWS: Final = 1 << 10
"""Rows that are compared with all centers at a time."""
_SEARCHED_ROWS: Final = 1 << 17
"""Rows that search the lists at a time, so that products have many rows."""
_ROUNDS: Final = 2
_COMPARED: Final = 24
"""Neighbors of a row, and reverse neighbors, from which a round looks for others."""
_ROWS_TO_FIT: Final = 48
"""Rows per list that k-means uses."""
_KMEANS_ROUNDS: Final = 5
_WHOLE: Final = np.float32(4080)
"""Length of the integer rows: sums of products are below 2^24. Cosines are exact to about 1e-4."""
_QUERIES: Final = 200
_TIE: Final = 1e-6
"""Cosines with a smaller difference are equal up to rounding."""


@dataclass(frozen=True, eq=False)
class _Lists:
    """Lists of similar rows; lists with similar centers are next to each other.

    Attributes:
        centers: (L, C) float32.
        order: (N,) rows, list by list.
        begin: (L + 1,) where each list begins in `order`.
    """

    centers: FloatArray
    order: NDArray[np.intp]
    begin: NDArray[np.intp]


def approximate_neighbors(
    unit: FloatArray, k: int, ranks: Ranks = ALONE
) -> tuple[IntArray, FloatArray]:
    """Returns most of the `k` nearest other rows of each row by cosine, nearest first.

    Args:
        unit: (N, C) from `unit_rows`, N in the thousands or more.
        k: Number of neighbors, 1 <= k < N.
        ranks: Each searches the neighbors of some rows.

    Returns:
        Indices (N, k) int32 and cosine distances (N, k) float32 in [0, 2]. About 98 % of the 15
        nearest are found; `measure_recall` measures it.
    """
    from tensorboard_plugin_atlas.compute.layout import numba_kernels as kernels

    lists = _divide(unit, ranks)
    rows = np.rint(unit[lists.order] * _WHOLE)
    indices, similar = _gather_blocks(
        ranks, lambda own: _search_lists(rows, lists, own, k), len(rows)
    )
    known = np.empty((len(rows), 0), np.int32)
    for _ in range(_ROUNDS):
        indices, similar, known = _compare_with_neighbors(rows, indices, similar, known, ranks)
    for row in np.flatnonzero(indices[:, -1] < 0).tolist():  # its lists are too short
        indices[row], similar[row] = -1, -np.inf
        own = np.array([row], np.int32)
        kernels.merge_nearest(rows[own] @ rows.T, own, 0, indices, similar, 0)
    found = np.empty_like(indices)
    found[lists.order] = lists.order.astype(np.int32)[indices]
    found, distances = ranks.gather_rows(
        lambda own: _sort_by_distance(unit, found, own), len(found)
    )
    return found, distances


def _gather_blocks(
    ranks: Ranks, compute: Callable[[slice], Sequence[Any]], count: int
) -> list[Any]:
    """Returns arrays of `count` rows; each rank computes whole blocks, the same for all ranks."""

    def compute_own(blocks: range) -> Sequence[Any]:
        return compute(slice(blocks.start * _BLOCK_ROWS, min(blocks.stop * _BLOCK_ROWS, count)))

    return ranks.gather_rows(compute_own, -(-count // _BLOCK_ROWS))


def _sort_by_distance(
    unit: FloatArray, neighbors: IntArray, own: range
) -> tuple[IntArray, FloatArray]:
    """Returns the neighbors of some successive rows, nearest first, and their distances."""
    from tensorboard_plugin_atlas.compute.layout.numba_kernels import sort_by_distance

    found = neighbors[own.start : own.stop].copy()
    return found, sort_by_distance(unit, found, own.start)


def _compare_with_neighbors(
    rows: FloatArray, indices: IntArray, similar: FloatArray, known: IntArray, ranks: Ranks
) -> tuple[IntArray, FloatArray, IntArray]:
    """Compares each row with the neighbors of its neighbors and reverse neighbors.

    Args:
        rows: (N, C) as integers.
        indices: (N, k) neighbors.
        similar: (N, k) their products.
        known: (N, m) the neighbors and reverse neighbors of the round before.
        ranks: Each compares some rows.

    Returns:
        Better neighbors, their products, and what is `known` in the next round.
    """
    from tensorboard_plugin_atlas.compute.layout import numba_kernels as kernels

    around = np.hstack([indices[:, :_COMPARED], kernels.reverse_neighbors(indices, _COMPARED)])
    is_new = _is_new(around, known)

    def compare(own: range) -> tuple[IntArray, FloatArray]:
        found: tuple[IntArray, FloatArray] = kernels.compare_with_neighbors_of_neighbors(
            rows, indices, similar, around, is_new, own.start, own.stop
        )
        return found

    better, products = ranks.gather_rows(compare, len(rows))
    return better, products, around


def _is_new(around: IntArray, known: IntArray) -> NDArray[np.bool_]:
    """Returns (N, m): which of the (N, m) rows are not in the same row of `known`, (N, j)."""
    new = np.ones(around.shape, bool)
    for column in known.T:
        new &= around != column[:, None]
    return new


def _divide(unit: FloatArray, ranks: Ranks) -> _Lists:
    """Divides rows into lists by k-means."""
    count = max(2, len(unit) // _ROWS_PER_LIST)
    sample = np.random.default_rng(0).permutation(len(unit))[: count * _ROWS_TO_FIT]
    centers = ranks.decide(
        lambda: find_micro_clusters(unit[np.sort(sample)], count, _KMEANS_ROUNDS).centers
    )
    # Similar lists next to each other, so that the rows of a round are in the cache.
    axis = np.linalg.svd(centers - centers.mean(axis=0), full_matrices=False)[2][0]
    centers = centers[np.argsort(centers @ axis, kind="stable")]
    (labels,) = _gather_blocks(ranks, lambda own: [_label(unit[own], centers)], len(unit))
    begin = np.concatenate([[0], np.cumsum(np.bincount(labels, minlength=count))])
    return _Lists(centers, np.argsort(labels, kind="stable"), begin)


def _label(rows: FloatArray, centers: FloatArray) -> NDArray[np.intp]:
    """Returns the most similar center of each row."""
    labels = np.empty(len(rows), np.intp)
    for block in _split_into_blocks(rows):
        labels[block] = nearest_centers(rows[block], centers)
    return labels


def _split_into_blocks(rows: FloatArray) -> Iterator[slice]:
    """Yields blocks of one size, since the rounding of a matrix product depends on it."""
    return (slice(begin, begin + _BLOCK_ROWS) for begin in range(0, len(rows), _BLOCK_ROWS))


def _search_lists(
    rows: FloatArray, lists: _Lists, own: slice, k: int
) -> tuple[IntArray, FloatArray]:
    """Returns neighbors of some successive rows in the lists nearest to each, and their products.

    Args:
        rows: (N, C) rows in the order of the lists, as integers.
        lists: The lists.
        own: The n rows.
        k: Number of neighbors.

    Returns:
        Indices (n, k) and products (n, k), -1 and -inf where the lists are too short.
    """
    indices = np.full((own.stop - own.start, k), -1, np.int32)
    similar = np.full(indices.shape, -np.inf, np.float32)
    for begin in range(own.start, own.stop, _SEARCHED_ROWS):
        block = slice(begin, min(begin + _SEARCHED_ROWS, own.stop))
        local = slice(block.start - own.start, block.stop - own.start)
        _search_nearest_lists(rows, lists, block, indices[local], similar[local])
    return indices, similar


def _search_nearest_lists(
    rows: FloatArray, lists: _Lists, block: slice, indices: IntArray, similar: FloatArray
) -> None:
    """Merges the rows of the lists nearest to each row of a block into its neighbors.

    Args:
        rows: (N, C).
        lists: The lists.
        block: B of the rows.
        indices: (B, k) neighbors of these, updated.
        similar: (B, k) their products, updated.
    """
    from tensorboard_plugin_atlas.compute.layout.numba_kernels import merge_nearest

    searched = min(_SEARCHED_LISTS, len(lists.centers))
    near = _find_nearest_lists(rows[block], lists.centers, searched).ravel()
    order = np.argsort(near, kind="stable")
    cuts = np.searchsorted(near[order], np.arange(len(lists.centers) + 1))
    searching = (order // searched + block.start).astype(np.int32)
    for number, others in enumerate(map(slice, lists.begin[:-1], lists.begin[1:])):
        own = searching[cuts[number] : cuts[number + 1]]
        for part in row_blocks(len(own), others.stop - others.start):
            products = rows[own[part]] @ rows[others].T
            merge_nearest(products, own[part], others.start, indices, similar, block.start)


def _find_nearest_lists(rows: FloatArray, centers: FloatArray, count: int) -> IntArray:
    """Returns (B, count): the lists with the most similar centers."""
    near = np.empty((len(rows), count), np.int32)
    for block in _split_into_blocks(rows):
        away = -(rows[block] @ centers.T)
        near[block] = np.argpartition(away, count - 1, axis=1)[:, :count]
    return near


def measure_recall(unit: FloatArray, indices: IntArray) -> float:
    """Measures which fraction of the nearest neighbors was found, on 200 rows.

    Args:
        unit: (N, C) from `unit_rows`.
        indices: (N, k) neighbors.

    Returns:
        A number from 0 to 1. A neighbor as near as the k-th nearest row counts as found.
    """
    queries = np.sort(np.random.default_rng(0).permutation(len(unit))[:_QUERIES])
    k = indices.shape[1]
    nearest = np.full((len(queries), k), -np.inf)
    for cosines in cosines_by_block(unit, queries):
        nearest = np.partition(np.hstack([nearest, cosines]), -k, axis=1)[:, -k:]
    lowest = nearest.min(axis=1, keepdims=True)
    found = neighbor_cosines(unit, queries, indices[queries])
    return float((found >= lowest - _TIE).mean())
