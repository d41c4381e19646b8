# SPDX-License-Identifier: Apache-2.0
"""Quality measures of a map: map neighbors compared with nearest neighbors by cosine."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tensorboard_plugin_atlas.analysis.directions import (
    cosines_by_block,
    neighbor_cosines,
    unit_rows,
)
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray, Quality
from tensorboard_plugin_atlas.compute.layout.layout import QUALITY_NEIGHBORS, Layout
from tensorboard_plugin_atlas.compute.layout.neighbor_overlap import overlap

_EXACT_UP_TO: Final = 5_000
_QUERIES: Final = (500, 2_000)
"""Smallest and largest number of queries if there are more samples."""
_COMPARISONS: Final = 2 * 10**8
"""Cosines between queries and samples that are few enough to compute."""
_ROUNDING: Final = 1e-12
"""Eigenvalues below this fraction of the largest are zero up to rounding."""
_NO_VARIANCE: Final = 2.0**-44
"""Variance below which values of magnitude up to 1 count as constant: (4 * float32 rounding)^2."""
_TIE: Final = 1e-6
"""Similarities with a smaller difference are equal up to rounding."""


def measure_quality(
    activations: NDArray[Any], layout: Layout, previous: Layout | None = None
) -> Quality:
    """Measures the quality of a layout.

    It is exact up to 5,000 valid samples. Above, it uses 2,000 sampled queries; from 400,000
    samples on, 500.

    Args:
        activations: (N, C) activations of the layout.
        layout: The layout.
        previous: Layout of the previous step, for `overlap`.

    Returns:
        The quality of the displayed map, with compression at the edges of the viewport.
    """
    valid = ~layout.invalid
    rows = np.asarray(activations)[valid]
    k = min(QUALITY_NEIGHBORS, (len(rows) - 1) // 2)
    shared = layout.overlap
    if previous is not None and previous.known is None:
        shared = overlap(layout.neighbors, previous.neighbors)
    trustworthy = kept = None
    if k >= 1:
        ranks = true_ranks(unit_rows(rows), layout.xy[valid], k)
        trustworthy = trustworthiness(ranks, len(rows))
        kept = knn_kept(ranks)
    return Quality(
        trustworthiness=trustworthy,
        knn_kept=kept,
        overlap=None if previous is None else shared,
        clamped=int(layout.clamped.sum()),
        invalid=int(layout.invalid.sum()),
        dead_channels=int((rows.min(axis=0) == rows.max(axis=0)).sum()),
        effective_rank=effective_rank(rows),
    )


def effective_rank(rows: NDArray[Any], seed: int = 0) -> float | None:
    """Computes the effective rank of activations (Roy and Vetterli 2007).

    The exponential of the entropy of the covariance spectrum, normalized to sum 1: C for isotropic
    activations, 1 for a line. It decreases if a representation collapses.

    Args:
        rows: (N, C), every entry finite.
        seed: Seed for the choice of 5,000 rows if there are more.

    Returns:
        A number from 1 to min(N, C), or None if nothing varies.
    """
    if len(rows) > _EXACT_UP_TO:
        rows = rows[np.random.default_rng(seed).choice(len(rows), _EXACT_UP_TO, replace=False)]
    largest = np.abs(rows).max(initial=0)
    if largest == 0:
        return None
    # Scaled first, so that sums of squares do not overflow.
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
    """Ranks the `k` nearest map neighbors of each sample by cosine.

    Args:
        unit: (N, C) directions, from `unit_rows`.
        xy: (N, 2) coordinates on the map.
        k: Number of map neighbors, 1 <= k < N.
        seed: Seed for the choice of queries if N is above 5,000.

    Returns:
        (Q, k) int32: 1 for the sample with the largest cosine; ties get the lowest rank. Q is N, or
        from 500 to 2,000 if N is above 5,000.
    """
    n = len(unit)
    queries = np.arange(n)
    if n > _EXACT_UP_TO:
        count = min(max(_COMPARISONS // n, _QUERIES[0]), _QUERIES[1])
        queries = np.sort(np.random.default_rng(seed).choice(n, count, replace=False))
    neighbors = _map_neighbors(xy, queries, k)
    floors = neighbor_cosines(unit, queries, neighbors) + _TIE
    ranks = np.ones((len(queries), k), np.int32)
    for cosines in cosines_by_block(unit, queries):
        for column in range(k):
            ranks[:, column] += np.count_nonzero(cosines > floors[:, column, None], axis=1)
    return ranks


def _map_neighbors(xy: FloatArray, queries: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    found = cKDTree(xy).query(xy[queries], k + 1)[1]
    # A sample is not its own neighbor, but not always the first found: coordinates may be equal.
    own = found == queries[:, None]
    own[~own.any(axis=1), -1] = True
    neighbors: NDArray[np.intp] = found[~own].reshape(len(queries), k)
    return neighbors


def trustworthiness(ranks: IntArray, samples: int) -> float:
    """Trustworthiness of a map: 1 minus the rank-weighted fraction of false neighbors.

    Venna and Kaski 2001, "Neighborhood preservation in nonlinear projection methods".

    Args:
        ranks: (Q, k) from `true_ranks`, k below half of `samples`.
        samples: N, the number of samples.

    Returns:
        A number from 0 to 1; 1 if all map neighbors are nearest neighbors by cosine.
    """
    queries, k = ranks.shape
    excess = np.maximum(ranks.astype(np.int64) - k, 0).sum()
    return float(1 - 2 * excess / (queries * k * (2 * samples - 3 * k - 1)))


def knn_kept(ranks: IntArray) -> float:
    """Returns the mean fraction of k nearest neighbors by cosine among the k nearest on the map."""
    return float((ranks <= ranks.shape[1]).mean())
