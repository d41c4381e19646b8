# SPDX-License-Identifier: Apache-2.0
"""How far a map can be trusted: its neighbors against the true neighbors by cosine."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tensorboard_plugin_atlas.analysis.cosine import exact_cosines, row_blocks, unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray, Quality
from tensorboard_plugin_atlas.compute.layout.layout import QUALITY_NEIGHBORS, Layout
from tensorboard_plugin_atlas.compute.layout.neighbors import overlap

_EXACT_UP_TO: Final = 5_000
_QUERIES: Final = 2_000
_ROUNDING: Final = 1e-12
"""Eigenvalues below this share of the largest are what rounding leaves of zero."""
_NO_VARIANCE: Final = 2.0**-44
"""Of numbers up to 1: a standard deviation of 2^-22, four times what float32 rounds them by."""
_TIE: Final = 1e-6
"""Similarities closer than this are equal: rows that were rounded apart differ by less."""


def measure_quality(
    activations: NDArray[Any], layout: Layout, previous: Layout | None = None
) -> Quality:
    """Measures one layout; exact up to 5,000 valid samples, on 2,000 seeded queries above.

    Args:
        activations: (N, C) that the layout was made of.
        layout: The layout.
        previous: Layout of the checkpoint before, for `overlap`.

    Returns:
        The quality of the map as drawn: viewport and clamping included.
    """
    valid = ~layout.invalid
    rows = np.asarray(activations)[valid]
    k = min(QUALITY_NEIGHBORS, (len(rows) - 1) // 2)
    trust = kept = None
    if k >= 1:
        ranks = true_ranks(unit_rows(rows), layout.xy[valid], k)
        trust = trustworthiness(ranks, len(rows))
        kept = knn_kept(ranks)
    return Quality(
        trustworthiness=trust,
        knn_kept=kept,
        overlap=None if previous is None else overlap(layout.neighbors, previous.neighbors),
        clamped=int(layout.clamped.sum()),
        invalid=int(layout.invalid.sum()),
        dead_channels=int((rows.min(axis=0) == rows.max(axis=0)).sum()),
        effective_rank=effective_rank(rows),
    )


def effective_rank(rows: NDArray[Any], seed: int = 0) -> float | None:
    """Counts the directions that activations really use (Roy and Vetterli 2007).

    The exponential of the entropy of the covariance's spectrum, normalized to sum 1: C for a
    sphere in C channels, 1 for a line. It falls when a representation collapses.

    Args:
        rows: (N, C), every entry finite.
        seed: Seeds the choice of 5,000 rows where there are more.

    Returns:
        A number from 1 to min(N, C), or None where nothing varies.
    """
    if len(rows) > _EXACT_UP_TO:
        rows = rows[np.random.default_rng(seed).choice(len(rows), _EXACT_UP_TO, replace=False)]
    largest = np.abs(rows).max(initial=0)
    if largest == 0:
        return None
    # Scaled first, so that squares of any float can be summed.
    centered = rows.astype(np.float64) / float(largest)
    centered -= centered.mean(axis=0)
    tall = len(centered) >= centered.shape[1]
    spectrum = np.linalg.eigvalsh(centered.T @ centered if tall else centered @ centered.T)
    if spectrum[-1] <= _NO_VARIANCE * len(rows):
        return None
    shares = spectrum[spectrum > _ROUNDING * spectrum[-1]]
    shares = shares / shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def true_ranks(unit: FloatArray, xy: FloatArray, k: int, seed: int = 0) -> IntArray:
    """Ranks each sample's `k` nearest on the map by their true closeness to it.

    Args:
        unit: (N, C) directions, from `unit_rows`.
        xy: (N, 2) places on the map.
        k: Map neighbors, 1 <= k < N.
        seed: Seeds the choice of queries where N is above 5,000.

    Returns:
        (Q, k) int32: 1 for the truly nearest sample. Ties count in the map's favor. Q is N, or
        2,000 where N is above 5,000.
    """
    n = len(unit)
    queries = np.arange(n)
    if n > _EXACT_UP_TO:
        queries = np.sort(np.random.default_rng(seed).choice(n, _QUERIES, replace=False))
    drawn = _map_neighbors(xy, queries, k)
    ranks = np.empty((len(queries), k), np.int32)
    for block in row_blocks(len(queries), n):
        own = queries[block]
        similar = exact_cosines(unit[own], unit)
        similar[np.arange(len(own)), own] = -np.inf
        for column in range(k):
            floor = np.take_along_axis(similar, drawn[block, column, None], axis=1) + _TIE
            ranks[block, column] = 1 + np.count_nonzero(similar > floor, axis=1)
    return ranks


def _map_neighbors(xy: FloatArray, queries: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    found = cKDTree(xy).query(xy[queries], k + 1)[1]
    # A sample is not its own neighbor, nor always the first found: others may share its place.
    own = found == queries[:, None]
    own[~own.any(axis=1), -1] = True
    neighbors: NDArray[np.intp] = found[~own].reshape(len(queries), k)
    return neighbors


def trustworthiness(ranks: IntArray, samples: int) -> float:
    """Trustworthiness of Venna and Kaski (2001): 1 minus the rank-weighted share of false friends.

    Args:
        ranks: (Q, k) from `true_ranks`, k below half of `samples`.
        samples: N, the samples that ranks run over.

    Returns:
        A number from 0 to 1; 1 where every map neighbor is a true one.
    """
    queries, k = ranks.shape
    excess = np.maximum(ranks.astype(np.int64) - k, 0).sum()
    return float(1 - 2 * excess / (queries * k * (2 * samples - 3 * k - 1)))


def knn_kept(ranks: IntArray) -> float:
    """Returns the mean share of each query's k true neighbors among its k on the map."""
    return float((ranks <= ranks.shape[1]).mean())
