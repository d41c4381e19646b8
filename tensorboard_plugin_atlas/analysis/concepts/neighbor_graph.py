# SPDX-License-Identifier: Apache-2.0
"""The neighbor graph of samples, in which concepts are communities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.concepts.spherical_kmeans import find_micro_clusters
from tensorboard_plugin_atlas.analysis.directions import (
    finite_rows,
    nearest_neighbors,
    unit_rows,
)
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray

NEAR: Final = 15
"""Neighbors that count fully: the size of a neighborhood on the map."""
FAR: Final = 45
"""All neighbors of a row. The farther ones count a quarter and join sparse regions."""

_ROWS_PER_NEIGHBOR: Final = 8
"""Fewer near neighbors below `NEAR * _ROWS_PER_NEIGHBOR` rows, so that regions can differ."""
_MAX_EXACT: Final = 10_000
"""Largest number of rows with exact neighbors; in larger sets, neighbors are in near clusters."""
_SEARCHED_CLUSTERS: Final = 12

Labels = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class NeighborGraph:
    """A symmetric weighted graph of N nodes; the weights of all directed edges sum to 1.

    The edges of node i are at `starts[i]` to `starts[i + 1]` of `heads` and `weights`.

    Attributes:
        starts: (N + 1,) index of the first edge of each node.
        heads: (E,) int32: other end of each edge.
        weights: (E,) float64.
    """

    starts: NDArray[np.intp]
    heads: IntArray
    weights: NDArray[np.float64]

    @classmethod
    def from_edges(
        cls, tails: NDArray[Any], heads: NDArray[Any], weights: NDArray[Any], count: int
    ) -> NeighborGraph:
        """Builds the graph of `count` nodes; weights of equal edges are added."""
        key = tails.astype(np.int64) * count + heads
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]]) if len(key) else order
        total = weights.sum(dtype=np.float64)
        merged = (
            np.add.reduceat(weights[order], first, dtype=np.float64) / total
            if len(key)
            else weights
        )
        tail, head = np.divmod(key[first], count)
        starts = np.r_[0, np.cumsum(np.bincount(tail, minlength=count))]
        return cls(starts.astype(np.intp), head.astype(np.int32), merged)

    @classmethod
    def from_directions(cls, rows: NDArray[np.intp], unit: FloatArray, count: int) -> NeighborGraph:
        """Builds the graph of the nearest neighbors of `count` rows by centered cosine.

        Args:
            rows: (R,) the rows that have a direction; the others have no edges.
            unit: (R, C) their directions; see `find_directions`.
            count: N.
        """
        near = min(NEAR, max(2, len(rows) // _ROWS_PER_NEIGHBOR))
        far = min(FAR * near // NEAR, len(rows) - 1)
        if far < 1:
            nothing = np.empty(0, np.intp)
            return cls.from_edges(nothing, nothing, np.empty(0), count)
        rows = rows.astype(np.int32)
        found = rows[_find_neighbors(unit, far)].ravel()
        near = min(near, far)
        rank = np.arange(far)
        by_rank = np.where(rank < near, 1 / near, 0) + 1 / far
        weights = np.tile(by_rank.astype(np.float32), len(rows))
        source = np.repeat(rows, far)
        return cls.from_edges(
            np.r_[source, found], np.r_[found, source], np.r_[weights, weights], count
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def tails(self) -> IntArray:
        """(E,) int32: first end of each edge, ascending."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.starts))

    @cached_property
    def masses(self) -> NDArray[np.float64]:
        """(N,) sum of the weights of each node's edges; 0 for a node without edges."""
        return np.asarray(np.bincount(self.tails, self.weights, len(self)), np.float64)

    def edges_of(
        self, nodes: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], IntArray, NDArray[np.float64]]:
        """Returns the edges of `nodes`: index into `nodes`, other end, and weight."""
        count = self.starts[nodes + 1] - self.starts[nodes]
        shift = self.starts[nodes] - np.r_[0, np.cumsum(count)[:-1]]
        at = np.repeat(shift, count) + np.arange(count.sum())
        return np.repeat(np.arange(len(nodes)), count), self.heads[at], self.weights[at]

    def weights_to(self, labels: Labels, count: int) -> NDArray[np.float64]:
        """Returns (N, count): weight of each node's edges to nodes of each label, without loops."""
        weights = self.weights * (self.tails != self.heads)
        cell = self.tails.astype(np.intp) * count + labels[self.heads]
        total = np.asarray(np.bincount(cell, weights, len(self) * count), np.float64)
        return total.reshape(-1, count)

    def contract(self, labels: Labels) -> NeighborGraph:
        """Returns the graph of labels: each node is all nodes of one label, with a loop."""
        count = int(labels.max(initial=-1)) + 1
        return NeighborGraph.from_edges(labels[self.tails], labels[self.heads], self.weights, count)

    def restrict(self, nodes: NDArray[np.bool_]) -> NeighborGraph:
        """Returns the graph with the edges between `nodes` only; all nodes keep their index."""
        kept = nodes[self.tails] & nodes[self.heads]
        weights = self.weights[kept]
        starts = np.r_[0, np.cumsum(np.bincount(self.tails[kept], minlength=len(self)))]
        return NeighborGraph(
            starts.astype(np.intp), self.heads[kept], weights / max(weights.sum(), 1e-300)
        )


def find_directions(activations: NDArray[Any]) -> tuple[NDArray[np.intp], FloatArray]:
    """Returns the rows that have a direction from the mean, and the directions.

    Args:
        activations: (N, C), any float type.

    Returns:
        Indices (R,) and unit rows (R, C) float32.
    """
    rows, centered = center_rows(activations)
    return rows, unit_rows(centered) if len(rows) else centered


def center_rows(activations: NDArray[Any]) -> tuple[NDArray[np.intp], FloatArray]:
    """Returns the finite rows that differ from the mean, centered and scaled.

    Args:
        activations: (N, C), any float type; rows that hold NaN or infinity are left out.

    Returns:
        Indices (R,) and values (R, C) float32.
    """
    values = np.asarray(activations)
    valid = np.flatnonzero(finite_rows(values))
    centered = values[valid].astype(np.float32)
    if centered.size:
        # Scaled by a power of two, so that differences of large values are finite.
        with np.errstate(under="ignore"):
            centered = np.ldexp(centered, -int(np.frexp(np.abs(centered).max())[1]))
            centered -= centered.mean(axis=0, dtype=np.float64).astype(np.float32)
    has_direction = centered.any(axis=1)
    return valid[has_direction], centered[has_direction]


def _find_neighbors(unit: FloatArray, count: int) -> IntArray:
    """Returns (N, count): nearest other rows by cosine, nearest first."""
    if len(unit) <= _MAX_EXACT:
        return nearest_neighbors(unit, count)[0]
    clusters = find_micro_clusters(unit, int(len(unit) ** 0.5), rounds=3)
    found = np.empty((len(unit), count), np.int32)
    for own, candidates in clusters.pair_with_near(clusters.labels, _SEARCHED_CLUSTERS):
        # A cluster of few rows may need more clusters around it.
        rows = candidates if len(candidates) > count else np.arange(len(unit))
        away = -(unit[own] @ unit[rows].T)
        away[own[:, None] == rows] = np.inf
        found[own] = rows[_smallest_of(away, count)]
    return found


def _smallest_of(values: FloatArray, count: int) -> NDArray[np.intp]:
    """Returns (N, count): columns of the smallest of the (N, M) values of each row, ascending."""
    columns = np.argpartition(values, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(values, columns, 1), axis=1, kind="stable")
    return np.take_along_axis(columns, order, axis=1)
