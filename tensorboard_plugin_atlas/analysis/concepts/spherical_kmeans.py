# SPDX-License-Identifier: Apache-2.0
"""Many small clusters by spherical k-means, which make searches near linear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray

_BLOCK_ROWS: Final = 1 << 14
_SEED: Final = 0


@dataclass(frozen=True, eq=False)
class MicroClusters:
    """Clusters of unit rows.

    Attributes:
        centers: (K, C) float32 unit rows.
        labels: (N,) index of the nearest center of each row.
    """

    centers: FloatArray
    labels: NDArray[np.intp]

    def pair_with_near(
        self, labels: NDArray[np.intp], count: int
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yields queries and the rows that are worth comparing with them, cluster by cluster.

        Args:
            labels: (Q,) nearest center of each query.
            count: Number of clusters to search: those with the most similar centers.

        Yields:
            Queries of a cluster, at least one, and the rows of the clusters near it.
        """
        rows, queries = (_list_members(one, len(self.centers)) for one in (self.labels, labels))
        similar = self.centers @ self.centers.T
        near = np.argsort(-similar, axis=1, kind="stable")[:, :count]
        for own, around in zip(queries, near, strict=True):
            if len(own):
                yield own, np.concatenate([rows[cluster] for cluster in around])


def find_micro_clusters(unit: FloatArray, count: int, rounds: int = 6) -> MicroClusters:
    """Clusters unit rows by spherical k-means with a fixed start (Dhillon and Modha 2001).

    Args:
        unit: (N, C) float32 rows of length one.
        count: Number of clusters, 1 <= count <= N; some may stay empty.
        rounds: Updates of the centers.
    """
    centers = unit[np.random.default_rng(_SEED).permutation(len(unit))[:count]]
    for _ in range(rounds):
        labels = nearest_centers(unit, centers)
        total = np.stack([np.bincount(labels, column, count) for column in unit.T], axis=1)
        empty = np.bincount(labels, minlength=count) == 0
        total[empty] = centers[empty]
        length = np.linalg.norm(total, axis=1, keepdims=True)
        centers = (total / np.maximum(length, 1e-9)).astype(np.float32)
    return MicroClusters(centers, nearest_centers(unit, centers))


def nearest_centers(unit: FloatArray, centers: FloatArray) -> NDArray[np.intp]:
    """Returns (N,) the most similar of the (K, C) centers for each of the (N, C) unit rows."""
    blocks = [
        (unit[start : start + _BLOCK_ROWS] @ centers.T).argmax(axis=1)
        for start in range(0, len(unit), _BLOCK_ROWS)
    ]
    return np.concatenate(blocks)


def _list_members(labels: NDArray[np.intp], count: int) -> list[NDArray[np.intp]]:
    """Returns the indices of each of `count` labels, ascending."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.searchsorted(labels[order], np.arange(1, count)))
