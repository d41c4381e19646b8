# SPDX-License-Identifier: Apache-2.0
"""Which samples are neighbors by cosine, and what became of them since the checkpoint before."""

from __future__ import annotations

import numpy as np

from tensorboard_plugin_atlas.analysis.cosine import exact_cosines, row_blocks
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray


def nearest_neighbors(unit: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """Returns the exact `k` nearest other rows of each row by cosine, nearest first.

    What `cosine.nearest_neighbors` returns, selected by compiled code at a fifth of its cost.

    Args:
        unit: (N, C) from `unit_rows`.
        k: Neighbors wanted, 0 <= k < N.

    Returns:
        Indices (N, k) int32 and cosine distances (N, k) float32 in [0, 2].
    """
    n = len(unit)
    indices = np.empty((n, k), np.int32)
    similar = np.empty((n, k))
    if k > 0:
        from tensorboard_plugin_atlas.compute.layout.numba_kernels import select_nearest

        for block in row_blocks(n, n):
            select_nearest(
                exact_cosines(unit[block], unit), block.start, indices[block], similar[block]
            )
    return indices, np.clip(1 - similar, 0, 2).astype(np.float32)


def overlap(now: IntArray, before: IntArray) -> FloatArray:
    """Measures how much of each sample's true neighborhood stayed since the previous checkpoint.

    Args:
        now: (N, k) int32 neighbors, -1 where there is none.
        before: (N, j) int32 neighbors of the same samples.

    Returns:
        (N,) float32: share of the neighbors that are in both, of the smaller of k and j. 0 where
        either row has none; 1 where no sample has a neighbor to lose.
    """
    size = min(now.shape[1], before.shape[1])
    return share_among(now[:, :size], before[:, :size])


def share_among(asked: IntArray, pool: IntArray) -> FloatArray:
    """Measures what share of each row of `asked` is in the same row of `pool`.

    Args:
        asked: (N, k) int32, -1 where there is none; such entries count as missing.
        pool: (N, j) int32, likewise.

    Returns:
        (N,) float32 from 0 to 1; 1 throughout where k is 0.
    """
    if asked.shape[1] == 0:
        return np.ones(len(asked), np.float32)
    held = np.where(pool >= 0, pool, -2)
    found = np.zeros(len(asked), np.int32)
    for column in range(asked.shape[1]):
        found += (held == asked[:, column, None]).any(axis=1)
    share: FloatArray = (found / asked.shape[1]).astype(np.float32)
    return share
