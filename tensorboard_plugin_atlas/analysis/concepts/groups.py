# SPDX-License-Identifier: Apache-2.0
"""Groups of similar concepts, for an overview of a run.

Groups are a partition of the concepts at a coarser resolution, so every concept is in one group.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tensorboard_plugin_atlas.analysis.concepts.modularity import Objective, find_partition
from tensorboard_plugin_atlas.analysis.concepts.neighbor_graph import Labels, NeighborGraph

RESOLUTION: Final = 1.4
"""Resolution of the groups: 9 to 14 of 2,000 samples, in three seeds and two layers of the demo."""
_MIN_IMPROVEMENT: Final = 0.01
"""Improvement of modularity for which groups without history replace those that are continued."""


def find_groups(concepts: NeighborGraph, previous: Labels | None = None) -> Labels:
    """Returns the group of each concept.

    Args:
        concepts: The graph of K concepts, contracted from that of the samples.
        previous: (K,) the group that most samples of each concept were in, -1 for none; None at the
            first step.

    Returns:
        (K,) groups. Previous groups keep their number, and new ones have larger numbers.
    """
    count = len(concepts)
    fresh = find_partition(concepts, RESOLUTION, np.arange(count))
    if previous is None or previous.max(initial=-1) < 0:
        return fresh
    objective = Objective(concepts, RESOLUTION, previous)
    start = previous.copy()
    unknown = np.flatnonzero(start < 0)
    start[unknown] = start.max() + 1 + np.arange(len(unknown))
    continued = objective.improve(start)
    gain = objective.measure_modularity(fresh) - objective.measure_modularity(continued)
    return _match(fresh, continued) if gain > _MIN_IMPROVEMENT else continued


def _match(labels: Labels, previous: Labels) -> Labels:
    """Gives labels the numbers of previous labels, in order of decreasing overlap."""
    new, index = np.unique(labels, return_inverse=True)
    overlap = np.zeros((len(new), int(previous.max()) + 1))
    np.add.at(overlap, (index, previous), 1)
    number = np.full(len(new), -1, np.intp)
    taken: set[int] = set()
    for cell in np.argsort(-overlap, axis=None, kind="stable").tolist():
        label, old = divmod(cell, overlap.shape[1])
        if overlap[label, old] and number[label] < 0 and old not in taken:
            number[label] = old
            taken.add(old)
    unmatched = np.flatnonzero(number < 0)
    number[unmatched] = overlap.shape[1] + np.arange(len(unmatched))
    return number[index]
