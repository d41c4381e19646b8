# SPDX-License-Identifier: Apache-2.0
"""Matching of clusters between two checkpoints, and detection of events.

Clusters are matched by their shared samples, corrected for chance. A split, merge, birth or end is
only reported if the mixing or cohesion of the *same rows* differs between both neighbor graphs. A
change of cluster labels alone is not an event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tensorboard_plugin_atlas.analysis.concepts.clustering import (
    MIN_CLUSTER_SIZE,
    Mixing,
    NeighborGraph,
    measure_mixing,
)

from tensorboard_plugin_atlas.atlas import IntArray

_RELATED: Final = 0.5
"""Smallest chance-corrected fraction of a cluster that makes another its parent or child."""
_SAME: Final = 0.3
"""Smallest chance-corrected fraction of shared samples of the same cluster."""
_MIN_OVERLAP: Final = 0.15
"""Smallest chance-corrected overlap of a cluster with its predecessor."""
_DEVIATIONS: Final = 2.0
"""Smallest excess of shared samples over chance, in standard deviations."""
_COHESION_CHANGE: Final = 0.3
"""Smallest change of cohesion of a birth or an end."""
_MIN_FOLLOWED: Final = 0.2
_MIN_KEPT: Final = 0.02
"""If fewer clustered rows can be followed and fewer neighbors were kept than these chance-corrected
fractions, the two checkpoints are unrelated, and there are no events."""


@dataclass(frozen=True)
class ClusterChange:
    """One event between two checkpoints.

    Attributes:
        kind: "born", "merges", "splits" or "dies".
        before: Clusters of the previous checkpoint.
        after: Clusters of this checkpoint.
        confidence: From 0 to 1: how well the samples of one side match those of the other.
        contrast: From 0 to 1: change of mixing or cohesion in the graph.
        rows: Number of samples that changed their cluster.
    """

    kind: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    confidence: float
    contrast: float
    rows: int


@dataclass(frozen=True, eq=False)
class ClusterMatch:
    """Matches between the clusters of two checkpoints.

    Attributes:
        predecessor: Previous cluster that each cluster continues, -1 for none.
        overlap: Chance-corrected overlap of each cluster with its predecessor.
        changes: The events.
    """

    predecessor: IntArray
    overlap: NDArray[np.float64]
    changes: tuple[ClusterChange, ...]


def match_clusters(
    before: IntArray, now: IntArray, graph_before: NeighborGraph, graph_now: NeighborGraph
) -> ClusterMatch:
    """Matches the clusters of two checkpoints of the same N samples.

    Args:
        before: (N,) clusters of the previous checkpoint, numbered from 0, -1 for none.
        now: (N,) clusters of this checkpoint.
        graph_before: Neighbor graph of the previous checkpoint.
        graph_now: Neighbor graph of this checkpoint.
    """
    table = _Table(before, now, graph_before.valid & graph_now.valid)
    predecessor = _assign_predecessors(table)
    changes: list[ClusterChange] = []
    if (
        table.measure_tracking() >= _MIN_FOLLOWED
        or _measure_kept_neighbors(graph_before, graph_now) >= _MIN_KEPT
    ):
        graphs = _GraphPair(before, now, graph_before, graph_now)
        changes += _find_splits(table, graphs)
        changes += _find_merges(table, graphs)
        changes += _find_births(table, graphs, predecessor, changes)
        changes += _find_ends(table, graphs, predecessor, changes)
    has = np.maximum(predecessor, 0)
    overlap = (
        np.where(predecessor >= 0, table.overlap[has, np.arange(len(predecessor))], 1.0)
        if len(table.overlap)
        else np.ones(len(predecessor))
    )
    return ClusterMatch(predecessor, overlap, tuple(changes))


class _Table:
    """Contingency table of previous and current clusters, corrected for chance."""

    def __init__(self, before: IntArray, now: IntArray, shared: NDArray[np.bool_]) -> None:
        was, became = int(before.max(initial=-1)) + 1, int(now.max(initial=-1)) + 1
        both = shared & (before >= 0) & (now >= 0)
        cell = before[both].astype(np.int64) * became + now[both]
        self.count = np.bincount(cell, minlength=was * became).reshape(was, became)
        self.before = np.bincount(before[shared & (before >= 0)], minlength=was)
        self.now = np.bincount(now[shared & (now >= 0)], minlength=became)
        n = max(int(shared.sum()), 1)
        rows, cols = self.before[:, None].astype(np.float64), self.now[None, :].astype(np.float64)
        chance = rows * cols / n
        spread = np.sqrt(np.maximum(chance * (1 - rows / n) * (1 - cols / n), 1e-12))
        # Clusters with all samples share them in any case.
        everything = (rows >= 0.999 * n) | (cols >= 0.999 * n)
        self._informative = ~everything
        self.significant = ((self.count - chance) / spread >= _DEVIATIONS) | everything
        self.forward = _correct_for_chance(self.count, chance, rows)
        self.backward = _correct_for_chance(self.count, chance, cols)
        self.overlap = _correct_for_chance(self.count, chance, (rows + cols) / 2)

    def measure_tracking(self) -> float:
        """Returns the fraction of clustered rows that went to a related cluster."""
        related = (
            self._informative
            & self.significant
            & ((self.forward >= _SAME) | (self.backward >= _SAME))
        )
        total = int(self.count.sum())
        return float((self.count * related).sum() / total) if total else 0.0


def _measure_kept_neighbors(before: NeighborGraph, now: NeighborGraph) -> float:
    """Returns the mean chance-corrected fraction of neighbors kept."""
    shared = np.flatnonzero(before.valid & now.valid)
    width = min(before.neighbors.shape[1], now.neighbors.shape[1])
    if width == 0 or len(shared) < 2:
        return 0.0
    was, became = before.neighbors[shared], now.neighbors[shared]
    stayed = sum((was == became[:, column, None]).any(axis=1).mean() for column in range(width))
    chance = width / (len(shared) - 1)
    return float((stayed / width - chance) / max(1 - chance, 1e-9))


def _correct_for_chance(
    count: NDArray[np.int64], chance: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    room = size - chance
    corrected = np.where(room > 1e-9, (count - chance) / np.where(room > 1e-9, room, 1), 0.0)
    return np.where(room > 1e-9, np.clip(corrected, 0, 1), (count >= size - 1e-9) * 1.0)


def _assign_predecessors(table: _Table) -> IntArray:
    """Assigns predecessors by the largest overlap, best pairs first, each used once."""
    was, became = table.count.shape
    predecessor = np.full(became, -1, np.int32)
    able = table.significant & ((table.forward >= _SAME) | (table.backward >= _SAME))
    overlap = np.where(able, table.overlap, -1)
    used = np.zeros(was, bool)
    for cell in np.argsort(-overlap, axis=None, kind="stable"):
        a, b = divmod(int(cell), became)
        if overlap[a, b] < _MIN_OVERLAP:
            break
        if predecessor[b] < 0 and not used[a]:
            predecessor[b] = a
            used[a] = True
    return predecessor


class _GraphPair:
    """Mixing and cohesion of the same rows in two graphs."""

    def __init__(
        self,
        before: IntArray,
        now: IntArray,
        graph_before: NeighborGraph,
        graph_now: NeighborGraph,
    ) -> None:
        self._was, self._became = before, now
        self._graphs = (graph_before, graph_now)

    def select_moves(self, a: int, b: int) -> NDArray[np.bool_]:
        """Returns which rows went from cluster `a` to cluster `b`."""
        rows: NDArray[np.bool_] = (self._was == a) & (self._became == b)
        return rows

    def select_before(self, a: int) -> NDArray[np.bool_]:
        """Returns which rows were in cluster `a`."""
        rows: NDArray[np.bool_] = self._was == a
        return rows

    def select_now(self, b: int) -> NDArray[np.bool_]:
        """Returns which rows are in cluster `b`."""
        rows: NDArray[np.bool_] = self._became == b
        return rows

    def measure_mixing(
        self, one: NDArray[np.bool_], other: NDArray[np.bool_]
    ) -> tuple[Mixing, Mixing]:
        """Returns the mixing of two sets of rows, before and now."""
        labels = np.where(one, 0, np.where(other, 1, -1)).astype(np.int32)
        sizes = np.array([one.sum(), other.sum()], np.float64)
        was, now = (measure_mixing(graph.between(labels, 2), sizes) for graph in self._graphs)
        return was, now

    def measure_cohesion(self, rows: NDArray[np.bool_]) -> tuple[float, float]:
        """Returns the chance-corrected fraction of neighbors within rows, in both graphs."""
        found = []
        for graph in self._graphs:
            inside = np.flatnonzero(rows & graph.valid)
            chance = len(inside) / max(int(graph.valid.sum()), 1)
            share = float(rows[graph.neighbors[inside]].mean()) if len(inside) else 0.0
            found.append(max(share - chance, 0) / max(1 - chance, 1e-9))
        return found[0], found[1]


def _find_splits(table: _Table, graphs: _GraphPair) -> list[ClusterChange]:
    found = []
    for a in range(len(table.before)):
        children = np.flatnonzero(
            table.significant[a]
            & (table.backward[a] >= _RELATED)
            & (table.count[a] >= MIN_CLUSTER_SIZE)
        )
        if len(children) < 2:
            continue
        parts = [graphs.select_moves(a, int(b)) for b in children]
        kept, contrast = _compare_mixing(graphs, parts, 0)
        children = children[kept]
        if len(children) < 2:
            continue
        count = table.count[a, children]
        coverage = count.sum() / table.before[a]
        if coverage < _RELATED:
            continue
        purity = float((table.backward[a, children] * count).sum() / count.sum())
        found.append(
            ClusterChange(
                "splits",
                (a,),
                _as_ints(children),
                purity * float(coverage),
                contrast,
                int(count.sum() - count.max()),
            )
        )
    return found


def _find_merges(table: _Table, graphs: _GraphPair) -> list[ClusterChange]:
    found = []
    for b in range(len(table.now)):
        parents = np.flatnonzero(
            table.significant[:, b]
            & (table.forward[:, b] >= _RELATED)
            & (table.count[:, b] >= MIN_CLUSTER_SIZE / 2)
        )
        if len(parents) < 2:
            continue
        parts = [graphs.select_moves(int(a), b) for a in parents]
        kept, contrast = _compare_mixing(graphs, parts, 1)
        parents = parents[kept]
        if len(parents) < 2:
            continue
        count = table.count[parents, b]
        coverage = count.sum() / table.now[b]
        if coverage < _RELATED:
            continue
        purity = float((table.forward[parents, b] * count).sum() / count.sum())
        found.append(
            ClusterChange(
                "merges",
                _as_ints(parents),
                (b,),
                purity * float(coverage),
                contrast,
                int(count.sum() - count.max()),
            )
        )
    return found


def _compare_mixing(
    graphs: _GraphPair, parts: list[NDArray[np.bool_]], mixed: int
) -> tuple[NDArray[np.bool_], float]:
    """Compares the mixing of each part with the other parts between both graphs.

    Args:
        graphs: The graphs.
        parts: Sets of rows.
        mixed: 0 if they should have mixed before and not now, 1 for the reverse.

    Returns:
        Which parts changed significantly, and the mean change of these.
    """
    changes, kept = np.zeros(len(parts)), np.zeros(len(parts), bool)
    for i, part in enumerate(parts):
        rest = np.any([other for other in parts if other is not part], axis=0)
        pair = graphs.measure_mixing(part, rest)
        changes[i] = pair[mixed].share - pair[1 - mixed].share
        kept[i] = changes[i] >= pair[0].change_by_chance(pair[1])
    return kept, float(np.clip(changes[kept].mean(), 0, 1)) if kept.any() else 0.0


def _find_births(
    table: _Table, graphs: _GraphPair, predecessor: IntArray, known: list[ClusterChange]
) -> list[ClusterChange]:
    explained = {b for change in known for b in change.after}
    pairs = [graphs.measure_cohesion(graphs.select_now(b)) for b in range(len(table.now))]
    gains = np.array([now - was for was, now in pairs])
    found = []
    for b in np.flatnonzero(predecessor < 0).tolist():
        if b in explained or (table.significant[:, b] & (table.backward[:, b] >= _RELATED)).any():
            continue
        contrast = float(gains[b] - max(np.median(gains), 0))
        if contrast >= _COHESION_CHANGE:
            found.append(ClusterChange("born", (), (b,), pairs[b][1], contrast, int(table.now[b])))
    return found


def _find_ends(
    table: _Table, graphs: _GraphPair, predecessor: IntArray, known: list[ClusterChange]
) -> list[ClusterChange]:
    explained = {a for change in known for a in change.before} | set(predecessor.tolist())
    pairs = [graphs.measure_cohesion(graphs.select_before(a)) for a in range(len(table.before))]
    losses = np.array([was - now for was, now in pairs])
    found = []
    for a in range(len(table.before)):
        if a in explained or (table.significant[a] & (table.forward[a] >= _RELATED)).any():
            continue
        contrast = float(losses[a] - max(np.median(losses), 0))
        if contrast >= _COHESION_CHANGE:
            found.append(
                ClusterChange("dies", (a,), (), pairs[a][0], contrast, int(table.before[a]))
            )
    return found


def _as_ints(values: NDArray[np.intp]) -> tuple[int, ...]:
    return tuple(int(v) for v in values)
