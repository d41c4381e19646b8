# SPDX-License-Identifier: Apache-2.0
"""Exact search for the nearest neighbors of samples by cosine."""

from __future__ import annotations

import numpy as np

from tensorboard_plugin_atlas.analysis.directions import exact_cosines, row_blocks
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks


def nearest_neighbors(
    unit: FloatArray, k: int, ranks: Ranks = ALONE
) -> tuple[IntArray, FloatArray]:
    """Returns the exact `k` nearest other rows of each row by cosine, nearest first.

    Equal to `directions.nearest_neighbors`, but five times faster, with compiled code.

    Args:
        unit: (N, C) from `unit_rows`.
        k: Number of neighbors, 0 <= k < N.
        ranks: Each searches the neighbors of some rows.

    Returns:
        Indices (N, k) int32 and cosine distances (N, k) float32 in [0, 2].
    """
    if k == 0:
        return np.empty((len(unit), 0), np.int32), np.empty((len(unit), 0), np.float32)
    indices, distances = ranks.gather_rows(lambda rows: _search(unit, k, rows), len(unit))
    return indices, distances


def _search(unit: FloatArray, k: int, rows: range) -> tuple[IntArray, FloatArray]:
    """Returns the neighbors of some successive rows, and their distances."""
    from tensorboard_plugin_atlas.compute.layout.numba_kernels import select_nearest

    indices = np.empty((len(rows), k), np.int32)
    similar = np.empty((len(rows), k))
    own = unit[rows.start : rows.stop]
    for block in row_blocks(len(rows), len(unit)):
        cosines = exact_cosines(own[block], unit)
        select_nearest(cosines, rows.start + block.start, indices[block], similar[block])
    return indices, np.clip(1 - similar, 0, 2).astype(np.float32)
