# SPDX-License-Identifier: Apache-2.0
"""UMAP's fuzzy graph from a list of neighbors.

In every new process, `umap.UMAP().fit` compiles for ten times as long as it takes to lay out two
thousand samples. So the graph is computed here in numpy and scipy.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray

_SEARCH_STEPS = 64
_SEARCH_TOLERANCE = 1e-5
_WIDTH_FLOOR = 1e-3


def fuzzy_graph(indices: IntArray, distances: FloatArray) -> scipy.sparse.csr_matrix:
    """Builds UMAP's symmetric fuzzy neighbor graph (section 3.1 of the paper).

    The weights of each row decrease exponentially beyond its nearest neighbor, with the width for
    which they sum to log2 of the neighbor count. Both directions are combined by a + b - ab.

    Args:
        indices: (N, k) neighbors without the row itself, nearest first, k >= 1.
        distances: (N, k) float32 >= 0.

    Returns:
        (N, N) symmetric sparse matrix of weights in (0, 1].
    """
    n, k = indices.shape
    positive = np.where(distances > 0, distances, np.inf).min(axis=1)
    closest = np.where(np.isfinite(positive), positive, 0)[:, None]
    beyond = np.maximum(distances.astype(np.float64) - closest, 0)
    weights = np.exp(-beyond / _find_widths(beyond, distances, closest[:, 0] > 0)[:, None])
    rows = np.repeat(np.arange(n), k)
    one_way = scipy.sparse.csr_matrix((weights.ravel(), (rows, indices.ravel())), shape=(n, n))
    other_way = one_way.T.tocsr()
    return (one_way + other_way - one_way.multiply(other_way)).tocsr()


def _find_widths(
    beyond: NDArray[np.float64], distances: FloatArray, spread: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Returns (N,) widths by bisection; k and means include the row itself, as in umap-learn."""
    n, k = beyond.shape
    target = np.log2(k + 1)
    low, width, high = np.zeros(n), np.ones(n), np.full(n, np.inf)
    for _ in range(_SEARCH_STEPS):
        excess = np.exp(-beyond / width[:, None]).sum(axis=1) - target
        if (np.abs(excess) < _SEARCH_TOLERANCE).all():
            break
        # The stopping rule of umap-learn for each row, so that widths are equal up to rounding.
        high = np.where(excess >= _SEARCH_TOLERANCE, width, high)
        low = np.where(excess <= -_SEARCH_TOLERANCE, width, low)
        middle = np.where(np.isfinite(high), (low + np.minimum(high, 1e30)) / 2, width * 2)
        width = np.where(np.abs(excess) < _SEARCH_TOLERANCE, width, middle)
    row_means = distances.sum(axis=1) / (k + 1)
    floor = _WIDTH_FLOOR * np.where(spread, row_means, row_means.mean())
    widths: NDArray[np.float64] = np.maximum(np.maximum(width, floor), np.finfo(np.float32).tiny)
    return widths
