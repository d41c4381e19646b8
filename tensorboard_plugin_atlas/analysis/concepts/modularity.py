# SPDX-License-Identifier: Apache-2.0
"""Partitions of a graph that maximize modularity and continue an earlier partition.

The objective is multislice modularity (Mucha et al. 2010), optimized one logged step at a time:

    F(l) = sum_ij A_ij [l_i = l_j] - resolution * sum_c M_c^2 + 2 * inertia * sum_i m_i [l_i = p_i]

A are the edge weights, m_i the mass of row i, M_c the mass of label c, and p the earlier
partition. The first two terms are modularity (Reichardt and Bornholdt 2006); the resolution keeps a
label below about `1 / resolution` of the mass. The last term keeps a row in its earlier label
unless more than `inertia` of its neighborhood is in favor of another one. So an earlier partition
of the same graph is a fixed point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.concepts.neighbor_graph import Labels, NeighborGraph

INERTIA: Final = 0.1
MIN_GAIN: Final = 1e-12
"""Smaller gains are rounding errors."""


@dataclass(frozen=True, eq=False)
class Objective:
    """The objective of a partition of a graph.

    Attributes:
        graph: The graph of N rows.
        resolution: The larger, the more labels.
        previous: (N,) label of each row in the earlier partition, -1 for none.
    """

    graph: NeighborGraph
    resolution: float
    previous: Labels

    @classmethod
    def without_history(cls, graph: NeighborGraph, resolution: float) -> Objective:
        """Returns plain modularity."""
        return cls(graph, resolution, np.full(len(graph), -1, np.intp))

    def measure_modularity(self, labels: Labels) -> float:
        """Returns the modularity of a partition."""
        graph = self.graph
        inside = graph.weights[labels[graph.tails] == labels[graph.heads]].sum()
        return float(inside - self.resolution * (np.bincount(labels, graph.masses) ** 2).sum())

    def measure_row_gains(
        self, labels: Labels, changed: Labels, rows: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Returns what each of `rows` adds to modularity if all of them change their label.

        Args:
            labels: (N,) the partition.
            changed: (N,) the partition after the change.
            rows: (R,) rows with another label in `changed`.

        Returns:
            (R,) gains; their sum is the change of modularity.
        """
        graph = self.graph
        count = int(max(labels.max(), changed[rows].max())) + 1
        total = np.bincount(labels, graph.masses, count)
        before, after, mass = labels[rows], changed[rows], graph.masses[rows]
        shift = np.bincount(after, mass, count) - np.bincount(before, mass, count)
        row, head, weight = graph.edges_of(rows)
        # An edge between two of the rows is counted at both of its ends.
        weight = weight * np.where(changed[head] != labels[head], 1, 2) * (head != rows[row])
        inside = (changed[head] == after[row]) * 1.0 - (labels[head] == before[row])
        gain = np.asarray(np.bincount(row, weight * inside, len(rows)), np.float64)
        balance = 2 * (total[after] - total[before]) + shift[after] - shift[before]
        gain -= self.resolution * mass * balance
        return gain

    def measure_gain(self, labels: Labels, changed: Labels, rows: NDArray[np.intp]) -> float:
        """Returns the change of the whole objective if `rows` change their label."""
        mass, previous = self.graph.masses[rows], self.previous[rows]
        kept = (changed[rows] == previous) * 1.0 - (labels[rows] == previous)
        gains = self.measure_row_gains(labels, changed, rows)
        return float(gains.sum() + 2 * INERTIA * (mass * kept).sum())

    def improve(self, labels: Labels) -> Labels:
        """Moves rows to other labels until no single move increases the objective.

        Of all rows that gain, the better half moves at a time; a move of several rows is halved
        while it decreases the objective. Then only rows with a neighbor that moved are examined,
        until none of them gains and all rows are examined once more.
        """
        graph = self.graph
        count = int(max(labels.max(), self.previous.max())) + 1
        links = graph.weights_to(labels, count)
        rows, is_last = np.arange(len(labels)), True
        while True:
            target, gain = self._find_best_moves(labels, links, rows)
            chosen = np.flatnonzero(gain > MIN_GAIN)
            if not len(chosen):
                if is_last:
                    return labels
                # Updates leave rounding errors, and the masses of all labels have changed.
                links = graph.weights_to(labels, count)
                rows, is_last = np.arange(len(labels)), True
                continue
            chosen = chosen[np.argsort(-gain[chosen], kind="stable")]
            all_movers, target = rows[chosen], target[chosen]
            size = len(all_movers)
            while True:
                size = (size + 1) // 2
                movers = all_movers[:size]
                changed = labels.copy()
                changed[movers] = target[:size]
                if size == 1 or self.measure_gain(labels, changed, movers) > MIN_GAIN:
                    break
            row, head, weight = graph.edges_of(movers)
            weight = weight * (head != movers[row])
            np.add.at(links, (head, labels[movers][row]), -weight)
            np.add.at(links, (head, changed[movers][row]), weight)
            is_next = np.zeros(len(labels), np.bool_)
            is_next[head] = is_next[all_movers] = True
            rows, is_last = np.flatnonzero(is_next), False
            links[rows] = np.where(np.abs(links[rows]) < MIN_GAIN * 1e-3, 0, links[rows])
            labels = changed

    def _find_best_moves(
        self, labels: Labels, links: NDArray[np.float64], rows: NDArray[np.intp]
    ) -> tuple[Labels, NDArray[np.float64]]:
        """Returns the best label of each of `rows` and its gain over the current label."""
        masses, own, index = self.graph.masses[rows], labels[rows], np.arange(len(rows))
        total = np.bincount(labels, self.graph.masses, links.shape[1])
        linked = links[rows]
        value = np.where(linked > 0, linked - self.resolution * masses[:, None] * total, -np.inf)
        value[index, own] = linked[index, own] - self.resolution * masses * (total[own] - masses)
        known = np.flatnonzero(self.previous[rows] >= 0)
        value[known, self.previous[rows[known]]] += INERTIA * masses[known]
        target = value.argmax(axis=1)
        return target, value[index, target] - value[index, own]

    def measure_alternatives(
        self, labels: Labels, links: NDArray[np.float64], rows: NDArray[np.intp], label: int
    ) -> NDArray[np.float64]:
        """Returns (R, K): the value of each other label for each of `rows` of `label`.

        Args:
            labels: (N,) the partition.
            links: (N, K) from `NeighborGraph.weights_to`.
            rows: (R,) rows.
            label: Their label; its value and that of unused labels is -infinity.
        """
        masses = self.graph.masses
        total = np.bincount(labels, masses, links.shape[1])
        used = np.bincount(labels, minlength=links.shape[1]) > 0
        value: NDArray[np.float64] = links[rows] - self.resolution * masses[rows][:, None] * total
        value[:, ~used | (np.arange(len(total)) == label)] = -np.inf
        return value


def find_partition(graph: NeighborGraph, resolution: float, start: Labels) -> Labels:
    """Finds a partition with high modularity, without history (Blondel et al. 2008).

    Args:
        graph: The graph of N rows.
        resolution: As in `Objective`.
        start: (N,) labels to start from, such as those of small clusters. They are joined while
            this increases modularity; then single rows are moved.

    Returns:
        (N,) labels from 0, without gaps.
    """
    labels, count = _compact(start), -1
    while labels.max() + 1 != count:
        count = int(labels.max()) + 1
        joined = Objective.without_history(graph.contract(labels), resolution)
        labels = _compact(joined.improve(np.arange(count))[labels])
    return _compact(Objective.without_history(graph, resolution).improve(labels))


def dissolve_small(objective: Objective, labels: Labels, min_rows: int) -> Labels:
    """Moves the rows of labels with fewer than `min_rows` rows to other labels, smallest first.

    Rows without edges are not counted.
    """
    while True:
        size = count_rows(objective.graph, labels)
        small = np.flatnonzero((size > 0) & (size < min_rows))
        if not len(small) or (size > 0).sum() == 1:
            return labels
        label = int(small[size[small].argmin()])
        rows = np.flatnonzero(labels == label)
        links = objective.graph.weights_to(labels, len(size))
        labels = labels.copy()
        labels[rows] = objective.measure_alternatives(labels, links, rows, label).argmax(axis=1)
        previous = np.where(objective.previous == label, -1, objective.previous)
        labels = Objective(objective.graph, objective.resolution, previous).improve(labels)


def count_rows(graph: NeighborGraph, labels: Labels) -> NDArray[np.intp]:
    """Returns the number of rows with edges of each label."""
    connected = graph.masses > 0
    return np.bincount(labels[connected], minlength=int(labels.max(initial=-1)) + 1)


def _compact(labels: Labels) -> Labels:
    """Returns labels numbered from 0 without gaps, in the same order."""
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)
