# SPDX-License-Identifier: Apache-2.0
"""Clustering of samples in the neighbor graph, stable between steps.

Independent clusterings of two steps have different borders for no reason, and events between
them would describe the clustering. Here, clusters are separated by how well they mix in the graph.
In doubtful cases, the previous step decides: rows of one cluster stay together until they are
clearly separate, and two clusters stay separate until they clearly mix.

Steps: exact neighbors by cosine, weighted by shared neighbors (Jarvis and Patrick 1973); many small
communities by local moves of modularity (Blondel et al. 2008); a tree over these by average linkage
of edge density (Bonald et al. 2018); cuts of the tree from the top while branches do not mix. The
result is deterministic; only numpy is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.directions import finite_rows, nearest_neighbors, unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray

NEIGHBORS: Final = 15
MIN_CLUSTER_SIZE: Final = 12
"""Smallest number of rows: lists of 15 neighbors would reach outside of smaller clusters."""

MAX_CLUSTERS: Final = 500

_SPLIT_BELOW: Final = (0.07, 0.15)
"""Mixing below which a cluster is split: in any case, or if the mixing decreased."""
_MERGE_ABOVE: Final = (0.35, 0.5)
"""Mixing above which two clusters are merged: if the mixing increased, or in any case."""
_MIN_CHANGE: Final = 0.1
_DEVIATIONS: Final = 2.5
"""Smallest significant change of mixing: absolute, and in standard deviations."""
_VARIANCE_INFLATION: Final = 3.0
"""Variance inflation of the number of edges between clusters, because edges are correlated."""
_ONE_SIDED: Final = np.float32(0.4)
"""Weight of an edge that is not mutual: outliers have edges to the hubs of clusters."""
_PREVIOUS_CLUSTER_FACTOR: Final = 1.5
"""Factor on edges within a previous cluster, which stabilizes borders."""
_ROUNDS: Final = 12
_MIN_OWN_SHARE: Final = 0.4
"""Smallest weight of a row's edges to its cluster, as a fraction of all its edges."""


@dataclass(frozen=True, eq=False)
class NeighborGraph:
    """The exact nearest neighbors of N samples by cosine, as weighted edges.

    Attributes:
        neighbors: (N, k) int32, nearest first; -1 in rows that hold NaN or infinity.
        weights: (N, k) float32 from 0 to 1: (1 + neighbors that both ends share) / (1 + k), and
            less if the edge is not mutual.
        valid: (N,) bool: rows with neighbors.
    """

    neighbors: IntArray
    weights: FloatArray
    valid: NDArray[np.bool_]

    @classmethod
    def from_activations(cls, activations: NDArray[Any], k: int = NEIGHBORS) -> NeighborGraph:
        """Builds the graph of (N, C) `activations`; k is smaller if there are few finite rows."""
        valid = finite_rows(activations)
        rows = np.flatnonzero(valid).astype(np.int32)
        k = min(k, max(len(rows) - 1, 0))
        neighbors = np.full((len(activations), k), -1, np.int32)
        weights = np.zeros((len(activations), k), np.float32)
        if k:
            found, _ = nearest_neighbors(unit_rows(np.asarray(activations)[valid]), k)
            neighbors[rows] = rows[found]
            similarity = (1 + _count_shared_neighbors(found)) / np.float32(1 + k)
            weights[rows] = np.where(_is_mutual(found), similarity, _ONE_SIDED * similarity)
        return cls(neighbors, weights, valid)

    def edges(self) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
        """Returns sources, targets and weights of the directed edges, (E,) each."""
        rows = np.flatnonzero(self.valid)
        k = self.neighbors.shape[1]
        targets = self.neighbors[rows].ravel().astype(np.intp)
        return np.repeat(rows, k), targets, self.weights[rows].ravel()

    def between(self, labels: IntArray, count: int) -> NDArray[np.float64]:
        """Counts edges between labeled rows.

        Args:
            labels: (N,) from -1 (excluded) to `count` - 1.
            count: Number of labels.

        Returns:
            (count, count): number of edges from rows of one label to rows of another.
        """
        sources, targets, _ = self.edges()
        start, end = labels[sources].astype(np.int64), labels[targets]
        kept = (start >= 0) & (end >= 0)
        cell = start[kept] * count + end[kept]
        total = np.bincount(cell, minlength=count * count)
        return total.reshape(count, count).astype(np.float64)


def _is_mutual(neighbors: IntArray) -> NDArray[np.bool_]:
    """Returns for each row and neighbor whether the row is also a neighbor of the neighbor."""
    own = np.arange(len(neighbors))[:, None]
    columns = [(neighbors[column] == own).any(axis=1) for column in neighbors.T]
    return np.stack(columns, axis=1)


def _count_shared_neighbors(neighbors: IntArray) -> FloatArray:
    """Counts the shared neighbors of each row and each of its neighbors."""
    shared = np.empty(neighbors.shape, np.float32)
    for column in range(neighbors.shape[1]):
        theirs = neighbors[neighbors[:, column]]
        hit = np.zeros(len(neighbors), np.int32)
        for other in range(neighbors.shape[1]):
            hit += (theirs == neighbors[:, other, None]).any(axis=1)
        shared[:, column] = hit
    return shared


@dataclass(frozen=True, eq=False)
class PreviousClusters:
    """Clusters of the previous step.

    Attributes:
        labels: (N,) int32 cluster of each row, -1 for none.
        graph: Its neighbor graph.
    """

    labels: IntArray
    graph: NeighborGraph


@dataclass(frozen=True)
class Mixing:
    """Mixing of two sets of rows in a neighbor graph.

    Attributes:
        share: Number of edges between the sets relative to the number expected for random edges,
            geometric mean of both directions (outliers have edges to a cluster, but not the
            reverse). 0 for separate sets, 1 for a homogeneous set, 1 without edges.
        deviation: Its standard deviation.
    """

    share: float
    deviation: float

    def change_by_chance(self, other: Mixing) -> float:
        """Returns the largest change of the share between two graphs that is not significant."""
        return max(_MIN_CHANGE, _DEVIATIONS * float(np.hypot(self.deviation, other.deviation)))


def measure_mixing(edges: NDArray[np.float64], sizes: NDArray[np.float64]) -> Mixing:
    """Measures the mixing of two sets of rows.

    Args:
        edges: (2, 2) number of edges from set to set.
        sizes: (2,) number of rows of each set.
    """
    expected = edges.sum(axis=1) * sizes[::-1] / max(sizes.sum() - 1, 1)
    if expected.min() <= 0:
        return Mixing(1.0, 1.0)
    crossing = np.array([edges[0, 1], edges[1, 0]])
    share = float(np.sqrt((crossing / expected).prod()))
    return Mixing(
        share, float(np.sqrt(_VARIANCE_INFLATION * max(crossing.sum(), 1.0)) / expected.sum())
    )


def find_clusters(graph: NeighborGraph, earlier: PreviousClusters | None = None) -> IntArray:
    """Clusters the rows of a graph.

    Args:
        graph: Neighbor graph of this step.
        earlier: Clusters of the previous step, or None.

    Returns:
        (N,) int32: clusters numbered from 0 by decreasing size, -1 for rows in no cluster.
    """
    n = len(graph.valid)
    if graph.valid.sum() < MIN_CLUSTER_SIZE:
        return np.full(n, -1, np.int32)
    sources, targets, weights = graph.edges()
    if earlier is not None:
        before = earlier.labels
        same = (before[sources] >= 0) & (before[sources] == before[targets])
        weights = np.where(same, weights * np.float32(_PREVIOUS_CLUSTER_FACTOR), weights)
    atoms = _find_communities(n, graph.valid, sources, targets, weights)
    clusters = _cut_tree(atoms, graph, earlier, (sources, targets, weights))
    clusters = _reassign_rows(clusters, sources, targets, weights)
    return _sort_by_size(clusters)


def _find_communities(
    n: int,
    valid: NDArray[np.bool_],
    sources: NDArray[np.intp],
    targets: NDArray[np.intp],
    weights: FloatArray,
) -> IntArray:
    """Finds small communities by local moves; a random half of the rows moves at a time."""
    source, target = np.concatenate([sources, targets]), np.concatenate([targets, sources])
    both = np.concatenate([weights, weights]).astype(np.float64)
    degree: NDArray[np.float64] = np.bincount(source, both, minlength=n).astype(np.float64)
    labels = np.arange(n)
    random = np.random.default_rng(0)
    for _ in range(_ROUNDS):
        moved = 0
        first = random.random(n) < 0.5
        for half in (first, ~first):
            best = _find_best_labels(source, labels[target], both, degree, labels)
            moving = half & valid & (best != labels)
            labels = np.where(moving, best, labels)
            moved += int(moving.sum())
        if moved == 0:
            break
    numbered = np.unique(labels[valid], return_inverse=True)[1]
    atoms = np.full(n, -1, np.int32)
    atoms[valid] = numbered
    return atoms


def _find_best_labels(
    source: NDArray[np.intp],
    reached: NDArray[np.intp],
    weights: NDArray[np.float64],
    degree: NDArray[np.float64],
    labels: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Returns the label of each row with the largest modularity; ties keep the current label."""
    n = len(degree)
    key = source * n + reached
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    weight = np.add.reduceat(weights[order], starts)
    row, label = np.divmod(key[starts], n)
    total = np.bincount(labels, degree, minlength=n)
    own = label == labels[row]
    gain = weight - degree[row] * (total[label] - own * degree[row]) / degree.sum()
    gain[own] += 1e-9
    best = labels.copy()
    value = np.zeros(n)
    has_own = np.zeros(n, bool)
    has_own[row[own]] = True
    by_gain = np.lexsort((gain, row))
    last = np.flatnonzero(np.r_[row[by_gain][1:] != row[by_gain][:-1], True])
    top = by_gain[last]
    value[row[top]] = gain[top]
    better = (value[row[top]] > 0) | has_own[row[top]]
    best[row[top][better]] = label[top][better]
    return np.asarray(best, np.intp)


def _cut_tree(
    atoms: IntArray,
    graph: NeighborGraph,
    earlier: PreviousClusters | None,
    edges: tuple[NDArray[np.intp], NDArray[np.intp], FloatArray],
) -> IntArray:
    """Joins communities into a tree and cuts it from the top; tiny parts are in no cluster."""
    count = int(atoms.max()) + 1
    sources, targets, weights = edges
    link = np.bincount(
        atoms[sources].astype(np.int64) * count + atoms[targets], weights, minlength=count * count
    ).reshape(count, count)
    tree = _build_tree(link + link.T)
    rule = _SplitRule(atoms, count, graph, earlier)
    cluster_of = np.full(count, -1, np.int32)
    found = 0
    pending: list[tuple[Tree, Tree]] = [(tree, tree)]
    while pending:
        node, whole = pending.pop()
        parts = [_list_leaves(part) for part in node] if isinstance(node, tuple) else []
        sizes = [rule.count_rows(part) for part in parts]
        if parts and rule.are_separate(*parts):
            pending += [(node[i], node[i]) for i in (1, 0) if sizes[i] >= MIN_CLUSTER_SIZE]
        elif parts and min(sizes) < MIN_CLUSTER_SIZE <= max(sizes):
            # The larger part may still split further down.
            pending.append((node[int(np.argmax(sizes))], whole))
        else:
            cluster_of[_list_leaves(whole)] = found
            found += 1
    clusters: IntArray = np.where(atoms >= 0, cluster_of[atoms], -1).astype(np.int32)
    return clusters


class _SplitRule:
    """Decides whether two sets of communities are separate, by both graphs."""

    def __init__(
        self, atoms: IntArray, count: int, graph: NeighborGraph, earlier: PreviousClusters | None
    ) -> None:
        self._now = graph.between(atoms, count)
        self._sizes = np.bincount(atoms[atoms >= 0], minlength=count).astype(np.float64)
        self._before: NDArray[np.float64] | None = None
        if earlier is not None:
            self._before = earlier.graph.between(atoms, count)
            known = (atoms >= 0) & (earlier.labels >= 0)
            kinds = int(earlier.labels.max(initial=-1)) + 1
            cell = atoms[known].astype(np.int64) * kinds + earlier.labels[known]
            self._mix = np.bincount(cell, minlength=count * kinds).reshape(count, kinds)

    def count_rows(self, leaves: list[int]) -> int:
        """Returns the number of rows of some communities."""
        return int(self._sizes[leaves].sum())

    def are_separate(self, one: list[int], other: list[int]) -> bool:
        """Returns whether two sets of communities belong to different clusters."""
        low, high = _SPLIT_BELOW[1], _MERGE_ABOVE[0]
        limit = (low + high) / 2
        now = _measure_between(self._now, self._sizes, one, other)
        if self._before is not None:
            was = _measure_between(self._before, self._sizes, one, other)
            change = now.change_by_chance(was)
            stay_one = min(max(was.share - change, _SPLIT_BELOW[0]), low)
            stay_two = max(min(was.share + change, _MERGE_ABOVE[1]), high)
            same = self._measure_sameness(one, other)
            limit = same * stay_one + (1 - same) * stay_two
        return now.share < limit

    def _measure_sameness(self, one: list[int], other: list[int]) -> float:
        """Returns 1 if both sets were in the same previous clusters, 0 if not, 0.5 if unknown."""
        a, b = (self._mix[part].sum(axis=0).astype(np.float64) for part in (one, other))
        norm = float(np.sqrt((a @ a) * (b @ b)))
        known = min(
            a.sum() / max(self.count_rows(one), 1), b.sum() / max(self.count_rows(other), 1)
        )
        similarity = float(a @ b) / norm if norm > 0 else 0.5
        return float(known * similarity + (1 - known) * 0.5)


def _measure_between(
    edges: NDArray[np.float64], sizes: NDArray[np.float64], one: list[int], other: list[int]
) -> Mixing:
    block = np.array([[edges[np.ix_(p, q)].sum() for q in (one, other)] for p in (one, other)])
    return measure_mixing(block, np.array([sizes[one].sum(), sizes[other].sum()]))


Tree = Any


def _build_tree(link: NDArray[np.float64]) -> Tree:
    """Builds the tree of average linkage by edge density, with nearest-neighbor chains."""
    count = len(link)
    strength = link.sum(axis=1)
    density = link / np.maximum(np.outer(strength, strength), 1e-12)
    np.fill_diagonal(density, -1)
    nodes: list[Tree] = list(range(count))
    alive = np.ones(count, bool)
    chain: list[int] = []
    weight = strength.copy()
    for _ in range(count - 1):
        while True:
            if not chain:
                chain = [int(np.flatnonzero(alive)[0])]
            near = int(density[chain[-1]].argmax())
            if len(chain) > 1 and density[chain[-1], chain[-2]] >= density[chain[-1], near]:
                near = chain[-2]
                break
            chain.append(near)
        a, b = chain.pop(), chain.pop()
        total = weight[a] + weight[b]
        joined = (
            (density[a] * weight[a] + density[b] * weight[b]) / total
            if total > 0
            else np.maximum(density[a], density[b])
        )
        nodes[a] = (nodes[a], nodes[b])
        weight[a] = total
        alive[b] = False
        joined[~alive] = -1
        joined[a] = -1
        density[a] = joined
        density[:, a] = joined
        density[b] = -1
        density[:, b] = -1
        last = a
    return nodes[last] if count > 1 else nodes[0]


def _list_leaves(node: Tree) -> list[int]:
    found, pending = [], [node]
    while pending:
        one = pending.pop()
        if isinstance(one, tuple):
            pending += one
        else:
            found.append(one)
    return found


def _reassign_rows(
    clusters: IntArray, sources: NDArray[np.intp], targets: NDArray[np.intp], weights: FloatArray
) -> IntArray:
    """Moves rows to the cluster with most of their neighbors, including rows of tiny parts."""
    n, count = len(clusters), int(clusters.max()) + 1
    source, target = np.concatenate([sources, targets]), np.concatenate([targets, sources])
    both = np.concatenate([weights, weights]).astype(np.float64)
    total = np.maximum(np.bincount(source, both, minlength=n), 1e-12)
    for _ in range(3):
        if count == 0:
            return clusters
        there = clusters[target] >= 0
        cell = source[there] * count + clusters[target[there]]
        weights_of = np.bincount(cell, both[there], minlength=n * count).reshape(n, count)
        own = weights_of[np.arange(n), np.maximum(clusters, 0)] * (clusters >= 0)
        best = weights_of.argmax(axis=1).astype(np.int32)
        share = weights_of.max(axis=1) / total
        leaves = (weights_of.max(axis=1) > 1.2 * own) & (share >= _MIN_OWN_SHARE)
        clusters = np.where(leaves, best, clusters)
    removed = (clusters >= 0) & (
        weights_of[np.arange(n), np.maximum(clusters, 0)] / total < _MIN_OWN_SHARE / 2
    )
    return np.where(removed, -1, clusters).astype(np.int32)


def _sort_by_size(clusters: IntArray) -> IntArray:
    sizes = np.bincount(clusters[clusters >= 0], minlength=int(clusters.max(initial=-1)) + 1)
    order = np.argsort(-sizes, kind="stable")
    number = np.full(len(sizes) + 1, -1, np.int32)
    kept = order[: min(MAX_CLUSTERS, int((sizes >= MIN_CLUSTER_SIZE).sum()))]
    number[kept] = np.arange(len(kept))
    numbered: IntArray = np.take(number, clusters)
    return numbered
