# SPDX-License-Identifier: Apache-2.0
"""Groups of samples in the graph of true neighbors, held steady from one checkpoint to the next.

Clustering each checkpoint afresh gives borders that wander for no reason, and a story made of them
tells of the clustering. Here a cut between two groups is judged by how well they mix in the graph,
and what the checkpoint before showed about the very same rows decides which way a doubtful cut
falls: rows that were one group stay one until they have plainly parted, and two groups stay two
until they plainly mix.

The steps: exact neighbors by cosine, weighted by the neighbors they share (Jarvis and Patrick
1973); many small communities by local moves of modularity (Blondel et al. 2008); a tree over these
by average linkage of edge density (Bonald et al. 2018); cuts of the tree from its top while its
branches do not mix. All of it is deterministic and needs numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.cosine import finite_rows, nearest_neighbors, unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray

NEIGHBORS: Final = 15
MIN_CLUSTER_SIZE: Final = 12
"""Rows of a group at least: below it, neighbor lists of 15 must reach outside any group."""

MAX_CLUSTERS: Final = 500

_PART_BELOW: Final = (0.07, 0.15)
"""Mixing below which rows that were one group are two: at once, or if they mixed more before."""
_JOIN_ABOVE: Final = (0.35, 0.5)
"""Mixing above which two groups become one: if they mixed less before, or at once."""
_CHANGE: Final = 0.1
_DEVIATIONS: Final = 2.5
"""A smaller change of mixing between two checkpoints than both of these may be chance."""
_CLUSTERING: Final = 3.0
"""Edges across a border come in bunches: their number varies as if there were so many fewer."""
_ONE_SIDED: Final = np.float32(0.4)
"""Weight of an edge that is not returned: stray rows all reach for the hubs of some group."""
_FAMILIAR: Final = 1.5
"""Edges between rows of one earlier group weigh this much more, so that borders stay in place."""
_ROUNDS: Final = 12
_OWN_SHARE: Final = 0.4
"""A row belongs to a group that holds at least this share of its neighbors."""


@dataclass(frozen=True, eq=False)
class NeighborGraph:
    """The exact nearest neighbors of N samples by cosine, as weighted edges.

    Attributes:
        neighbors: (N, k) int32, nearest first; -1 in rows that hold NaN or infinity.
        weights: (N, k) float32 from 0 to 1: (1 + neighbors that both ends share) / (1 + k), and
            less where the neighbor does not return it.
        valid: (N,) bool: rows with neighbors.
    """

    neighbors: IntArray
    weights: FloatArray
    valid: NDArray[np.bool_]

    @classmethod
    def of(cls, activations: NDArray[Any], k: int = NEIGHBORS) -> NeighborGraph:
        """Builds the graph of (N, C) `activations`; k falls to what the finite rows allow."""
        valid = finite_rows(activations)
        rows = np.flatnonzero(valid).astype(np.int32)
        k = min(k, max(len(rows) - 1, 0))
        neighbors = np.full((len(activations), k), -1, np.int32)
        weights = np.zeros((len(activations), k), np.float32)
        if k:
            found, _ = nearest_neighbors(unit_rows(np.asarray(activations)[valid]), k)
            neighbors[rows] = rows[found]
            alike = (1 + _shared(found)) / np.float32(1 + k)
            weights[rows] = np.where(_returned(found), alike, _ONE_SIDED * alike)
        return cls(neighbors, weights, valid)

    def edges(self) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
        """Returns tails, heads and weights of the directed edges, (E,) each."""
        rows = np.flatnonzero(self.valid)
        k = self.neighbors.shape[1]
        heads = self.neighbors[rows].ravel().astype(np.intp)
        return np.repeat(rows, k), heads, self.weights[rows].ravel()

    def between(self, labels: IntArray, count: int) -> NDArray[np.float64]:
        """Counts edges between labeled rows.

        Args:
            labels: (N,) from -1 (left out) to `count` - 1.
            count: Number of labels.

        Returns:
            (count, count): the edges from rows of one label to rows of another.
        """
        tails, heads, _ = self.edges()
        start, end = labels[tails].astype(np.int64), labels[heads]
        kept = (start >= 0) & (end >= 0)
        cell = start[kept] * count + end[kept]
        total = np.bincount(cell, minlength=count * count)
        return total.reshape(count, count).astype(np.float64)


def _returned(neighbors: IntArray) -> NDArray[np.bool_]:
    """Says of each row and each of its neighbors whether that has the row for a neighbor too."""
    own = np.arange(len(neighbors))[:, None]
    columns = [(neighbors[column] == own).any(axis=1) for column in neighbors.T]
    return np.stack(columns, axis=1)


def _shared(neighbors: IntArray) -> FloatArray:
    """Counts, for each row and each of its neighbors, the neighbors that both have."""
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
    """What the checkpoint before knew of the same rows.

    Attributes:
        labels: (N,) int32 groups, -1 for none.
        graph: Its graph.
    """

    labels: IntArray
    graph: NeighborGraph


@dataclass(frozen=True)
class Mixing:
    """How well two sets of rows mix, whatever else surrounds them.

    Attributes:
        share: Edges that cross over those expected to cross if each row's edges led to any other
            row of the two, as the geometric mean of both directions: stray rows reach for a group
            that does not reach for them. 0 for apart, 1 for one well-stirred set. 1 without edges.
        deviation: What chance makes of it, as a standard deviation.
    """

    share: float
    deviation: float

    def change_by_chance(self, other: Mixing) -> float:
        """Returns the largest change of the share, between two graphs, that may be chance."""
        return max(_CHANGE, _DEVIATIONS * float(np.hypot(self.deviation, other.deviation)))


def measure_mixing(edges: NDArray[np.float64], sizes: NDArray[np.float64]) -> Mixing:
    """Says how well two sets of rows mix.

    Args:
        edges: (2, 2) numbers of edges from set to set.
        sizes: (2,) rows of each.
    """
    expected = edges.sum(axis=1) * sizes[::-1] / max(sizes.sum() - 1, 1)
    if expected.min() <= 0:
        return Mixing(1.0, 1.0)
    crossing = np.array([edges[0, 1], edges[1, 0]])
    share = float(np.sqrt((crossing / expected).prod()))
    return Mixing(share, float(np.sqrt(_CLUSTERING * max(crossing.sum(), 1.0)) / expected.sum()))


def find_clusters(graph: NeighborGraph, earlier: PreviousClusters | None = None) -> IntArray:
    """Groups the rows of a graph.

    Args:
        graph: The graph at this checkpoint.
        earlier: Groups and graph of the checkpoint before, or None at a first one.

    Returns:
        (N,) int32: groups numbered from 0 by falling size, -1 for rows that belong to none.
    """
    n = len(graph.valid)
    if graph.valid.sum() < MIN_CLUSTER_SIZE:
        return np.full(n, -1, np.int32)
    tails, heads, weights = graph.edges()
    if earlier is not None:
        before = earlier.labels
        same = (before[tails] >= 0) & (before[tails] == before[heads])
        weights = np.where(same, weights * np.float32(_FAMILIAR), weights)
    atoms = _communities(n, graph.valid, tails, heads, weights)
    groups = _cut(atoms, graph, earlier, (tails, heads, weights))
    groups = _settle(groups, tails, heads, weights)
    return _by_size(groups)


def _communities(
    n: int,
    valid: NDArray[np.bool_],
    tails: NDArray[np.intp],
    heads: NDArray[np.intp],
    weights: FloatArray,
) -> IntArray:
    """Finds small communities by local moves; half of the rows move at a time, drawn by a seed."""
    source, target = np.concatenate([tails, heads]), np.concatenate([heads, tails])
    both = np.concatenate([weights, weights]).astype(np.float64)
    degree: NDArray[np.float64] = np.bincount(source, both, minlength=n).astype(np.float64)
    labels = np.arange(n)
    random = np.random.default_rng(0)
    for _ in range(_ROUNDS):
        moved = 0
        first = random.random(n) < 0.5
        for half in (first, ~first):
            best = _best_labels(source, labels[target], both, degree, labels)
            moving = half & valid & (best != labels)
            labels = np.where(moving, best, labels)
            moved += int(moving.sum())
        if moved == 0:
            break
    numbered = np.unique(labels[valid], return_inverse=True)[1]
    atoms = np.full(n, -1, np.int32)
    atoms[valid] = numbered
    return atoms


def _best_labels(
    source: NDArray[np.intp],
    reached: NDArray[np.intp],
    weights: NDArray[np.float64],
    degree: NDArray[np.float64],
    labels: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Returns, for each row, the label that raises modularity most; ties keep the row's own."""
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


def _cut(
    atoms: IntArray,
    graph: NeighborGraph,
    earlier: PreviousClusters | None,
    edges: tuple[NDArray[np.intp], NDArray[np.intp], FloatArray],
) -> IntArray:
    """Joins communities into a tree and cuts it from the top; crumbs are in no group."""
    count = int(atoms.max()) + 1
    tails, heads, weights = edges
    link = np.bincount(
        atoms[tails].astype(np.int64) * count + atoms[heads], weights, minlength=count * count
    ).reshape(count, count)
    tree = _tree(link + link.T)
    judge = _Judge(atoms, count, graph, earlier)
    group_of = np.full(count, -1, np.int32)
    found = 0
    waiting: list[tuple[Tree, Tree]] = [(tree, tree)]
    while waiting:
        node, whole = waiting.pop()
        parts = [_leaves(part) for part in node] if isinstance(node, tuple) else []
        sizes = [judge.rows(part) for part in parts]
        if parts and judge.apart(*parts):
            waiting += [(node[i], node[i]) for i in (1, 0) if sizes[i] >= MIN_CLUSTER_SIZE]
        elif parts and min(sizes) < MIN_CLUSTER_SIZE <= max(sizes):
            # What is left beside a crumb that mixes with it may still part further down.
            waiting.append((node[int(np.argmax(sizes))], whole))
        else:
            group_of[_leaves(whole)] = found
            found += 1
    groups: IntArray = np.where(atoms >= 0, group_of[atoms], -1).astype(np.int32)
    return groups


class _Judge:
    """Decides whether two sets of communities are apart, by this graph and the one before."""

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

    def rows(self, leaves: list[int]) -> int:
        return int(self._sizes[leaves].sum())

    def apart(self, one: list[int], other: list[int]) -> bool:
        low, high = _PART_BELOW[1], _JOIN_ABOVE[0]
        limit = (low + high) / 2
        now = _between(self._now, self._sizes, one, other)
        if self._before is not None:
            was = _between(self._before, self._sizes, one, other)
            change = now.change_by_chance(was)
            stay_one = min(max(was.share - change, _PART_BELOW[0]), low)
            stay_two = max(min(was.share + change, _JOIN_ABOVE[1]), high)
            same = self._sameness(one, other)
            limit = same * stay_one + (1 - same) * stay_two
        return now.share < limit

    def _sameness(self, one: list[int], other: list[int]) -> float:
        """Returns 1 if both sets were of the same earlier groups, 0 if of others, 0.5 unknown."""
        a, b = (self._mix[part].sum(axis=0).astype(np.float64) for part in (one, other))
        norm = float(np.sqrt((a @ a) * (b @ b)))
        known = min(a.sum() / max(self.rows(one), 1), b.sum() / max(self.rows(other), 1))
        alike = float(a @ b) / norm if norm > 0 else 0.5
        return float(known * alike + (1 - known) * 0.5)


def _between(
    edges: NDArray[np.float64], sizes: NDArray[np.float64], one: list[int], other: list[int]
) -> Mixing:
    block = np.array([[edges[np.ix_(p, q)].sum() for q in (one, other)] for p in (one, other)])
    return measure_mixing(block, np.array([sizes[one].sum(), sizes[other].sum()]))


Tree = Any


def _tree(link: NDArray[np.float64]) -> Tree:
    """Builds the tree of average linkage by edge density with chains of nearest neighbors."""
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


def _leaves(node: Tree) -> list[int]:
    found, waiting = [], [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, tuple):
            waiting += one
        else:
            found.append(one)
    return found


def _settle(
    groups: IntArray, tails: NDArray[np.intp], heads: NDArray[np.intp], weights: FloatArray
) -> IntArray:
    """Lets rows go to the group that holds most of their neighbors, and crumbs find one."""
    n, count = len(groups), int(groups.max()) + 1
    source, target = np.concatenate([tails, heads]), np.concatenate([heads, tails])
    both = np.concatenate([weights, weights]).astype(np.float64)
    total = np.maximum(np.bincount(source, both, minlength=n), 1e-12)
    for _ in range(3):
        if count == 0:
            return groups
        there = groups[target] >= 0
        cell = source[there] * count + groups[target[there]]
        held = np.bincount(cell, both[there], minlength=n * count).reshape(n, count)
        own = held[np.arange(n), np.maximum(groups, 0)] * (groups >= 0)
        best = held.argmax(axis=1).astype(np.int32)
        share = held.max(axis=1) / total
        leaves = (held.max(axis=1) > 1.2 * own) & (share >= _OWN_SHARE)
        groups = np.where(leaves, best, groups)
    lost = (groups >= 0) & (held[np.arange(n), np.maximum(groups, 0)] / total < _OWN_SHARE / 2)
    return np.where(lost, -1, groups).astype(np.int32)


def _by_size(groups: IntArray) -> IntArray:
    sizes = np.bincount(groups[groups >= 0], minlength=int(groups.max(initial=-1)) + 1)
    order = np.argsort(-sizes, kind="stable")
    place = np.full(len(sizes) + 1, -1, np.int32)
    kept = order[: min(MAX_CLUSTERS, int((sizes >= MIN_CLUSTER_SIZE).sum()))]
    place[kept] = np.arange(len(kept))
    numbered: IntArray = np.take(place, groups)
    return numbered
