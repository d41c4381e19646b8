# SPDX-License-Identifier: Apache-2.0
"""The fraction of neighbors that two neighborhoods share, for example those of two steps."""

from __future__ import annotations

import numpy as np

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray


def overlap(now: IntArray, before: IntArray) -> FloatArray:
    """Measures the fraction of each sample's neighbors kept since the previous step.

    Args:
        now: (N, k) int32 neighbors, -1 for none.
        before: (N, j) int32 neighbors of the same samples.

    Returns:
        (N,) float32: fraction of the min(k, j) nearest neighbors that are in both. 0 if either row
        has none; 1 if min(k, j) is 0.
    """
    size = min(now.shape[1], before.shape[1])
    return share_among(now[:, :size], before[:, :size])


def share_among(queries: IntArray, pool: IntArray) -> FloatArray:
    """Measures the fraction of each row of `queries` that is in the same row of `pool`.

    Args:
        queries: (N, k) int32, -1 for none; such entries count as missing.
        pool: (N, j) int32, -1 for none.

    Returns:
        (N,) float32 from 0 to 1; all 1 if k is 0.
    """
    if queries.shape[1] == 0:
        return np.ones(len(queries), np.float32)
    available = np.where(pool >= 0, pool, -2)
    found = np.zeros(len(queries), np.int32)
    for column in range(queries.shape[1]):
        found += (available == queries[:, column, None]).any(axis=1)
    share: FloatArray = (found / queries.shape[1]).astype(np.float32)
    return share
