# SPDX-License-Identifier: Apache-2.0
"""Concepts of samples that are not in the neighbor graph.

The concepts of very many samples are found in the graph of a fixed selection. Each of the other
samples gets the concept that adds most to the objective (see `modularity`), judged by its nearest
neighbors in the graph.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tensorboard_plugin_atlas.analysis.concepts.modularity import INERTIA
from tensorboard_plugin_atlas.analysis.concepts.neighbor_graph import NEAR, Labels
from tensorboard_plugin_atlas.analysis.concepts.spherical_kmeans import (
    find_micro_clusters,
    nearest_centers,
)
from tensorboard_plugin_atlas.atlas import FloatArray

_SEARCHED_CLUSTERS: Final = 6
"""Neighbors in other clusters are too few to change a concept."""


def assign_remaining(
    unit: FloatArray, labels: Labels, previous: Labels, resolution: float
) -> Labels:
    """Returns the labels of all rows, given those of some.

    Args:
        unit: (R, C) directions.
        labels: (R,) label of each row in the graph, from 0; -1 for the other rows.
        previous: (R,) label of each row at the previous step, or -1.
        resolution: As in `Objective`.
    """
    known, others = np.flatnonzero(labels >= 0), np.flatnonzero(labels < 0)
    assigned: Labels = labels.copy()
    if not len(known) or not len(others):
        return assigned
    shares = np.bincount(labels[known]) / len(known)
    clusters = find_micro_clusters(unit[known], int(len(known) ** 0.5), rounds=3)
    nearest = nearest_centers(unit[others], clusters.centers)
    for queries, candidates in clusters.pair_with_near(nearest, _SEARCHED_CLUSTERS):
        rows, neighbors = others[queries], known[candidates]
        similar = unit[rows] @ unit[neighbors].T
        count = min(NEAR, len(neighbors))
        near = np.argpartition(-similar, count - 1, axis=1)[:, :count]
        votes = _count_votes(labels[neighbors[near]], len(shares))
        value = np.where(votes > 0, votes / count - resolution * shares, -np.inf)
        had = np.flatnonzero(previous[rows] >= 0)
        value[had, previous[rows[had]]] += INERTIA
        assigned[rows] = value.argmax(axis=1)
    return assigned


def _count_votes(labels: Labels, count: int) -> FloatArray:
    """Returns (Q, count): how often each label occurs in a row of the (Q, k) labels."""
    votes = np.zeros((len(labels), count), np.float32)
    index = np.arange(len(labels))
    for column in labels.T:
        votes[index, column] += 1
    return votes
