# SPDX-License-Identifier: Apache-2.0
"""The neighbor graph of samples."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas.analysis.concepts import neighbor_graph
from tensorboard_plugin_atlas.analysis.concepts.neighbor_graph import NeighborGraph, center_rows
from tensorboard_plugin_atlas.analysis.concepts.step_concepts import build_graph


def make_graph(rows: int = 300, channels: int = 6, seed: int = 0) -> NeighborGraph:
    values = np.random.default_rng(seed).normal(size=(rows, channels))
    return build_graph(values)


def to_matrix(graph: NeighborGraph) -> np.ndarray:
    matrix = np.zeros((len(graph), len(graph)))
    matrix[graph.tails, graph.heads] = graph.weights
    return matrix


def test_the_graph_is_symmetric_and_sums_to_one():
    graph = make_graph()
    matrix = to_matrix(graph)
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12)
    assert graph.weights.sum() == pytest.approx(1)
    assert not matrix.diagonal().any()
    np.testing.assert_allclose(graph.masses, matrix.sum(axis=1))


def test_neighbors_are_the_nearest_rows_by_centered_cosine():
    values = np.random.default_rng(1).normal(size=(200, 5)) + 10
    graph = build_graph(values)
    centered = values - values.mean(axis=0)
    unit = centered / np.linalg.norm(centered, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -2)
    matrix = to_matrix(graph)
    for row in range(0, 200, 20):
        nearest = np.argsort(-cosine[row])[: neighbor_graph.FAR]
        assert (matrix[row, nearest] > 0).all()
        # The nearest count more than the farther ones.
        assert matrix[row, nearest[:5]].min() > matrix[row, nearest[-5:]].min()


def test_equal_edges_are_added():
    tails, heads = np.array([0, 0, 1]), np.array([1, 1, 0])
    graph = NeighborGraph.from_edges(tails, heads, np.array([1.0, 2.0, 3.0]), 3)
    assert graph.heads.tolist() == [1, 0]
    assert graph.weights.tolist() == [0.5, 0.5]
    assert graph.masses.tolist() == [0.5, 0.5, 0]


def test_edges_of_some_nodes():
    graph = make_graph(60)
    nodes = np.array([7, 3, 50])
    row, head, weight = graph.edges_of(nodes)
    matrix = np.zeros((3, 60))
    matrix[row, head] = weight
    np.testing.assert_array_equal(matrix, to_matrix(graph)[nodes])


def test_weights_to_labels_leave_out_loops():
    graph = make_graph(80)
    labels = np.arange(80) % 4
    expected = to_matrix(graph) @ np.eye(4)[labels]
    np.testing.assert_allclose(graph.weights_to(labels, 4), expected)
    contracted = graph.contract(labels)
    assert len(contracted) == 4
    loops = to_matrix(contracted).diagonal()
    assert (loops > 0).all()
    np.testing.assert_allclose(
        contracted.weights_to(np.arange(4), 4), to_matrix(contracted) - np.diag(loops)
    )


def test_a_restriction_keeps_the_edges_between_the_nodes():
    graph = make_graph(90)
    half = np.arange(90) % 2 == 0
    part = graph.restrict(half)
    matrix = to_matrix(graph) * np.outer(half, half)
    np.testing.assert_allclose(to_matrix(part), matrix / matrix.sum())
    assert not part.masses[~half].any()


def test_rows_without_a_direction_have_no_edges():
    values = np.random.default_rng(2).normal(size=(100, 4)).astype(np.float32)
    values[3] = np.nan
    values[4, 0] = np.inf
    rest = np.delete(np.arange(100), [3, 4, 5])
    values[5] = values[rest].mean(axis=0)
    graph = build_graph(values)
    assert not graph.masses[[3, 4]].any()
    assert (graph.masses[rest] > 0).all()
    rows, centered = center_rows(values)
    assert 3 not in rows
    assert 4 not in rows
    np.testing.assert_allclose(centered.mean(axis=0), 0, atol=1e-6)


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
@pytest.mark.parametrize("value", [0.0, np.nan, 1.0])
def test_equal_or_few_rows_have_no_edges(rows, value):
    graph = build_graph(np.full((rows, 3), value))
    assert len(graph) == rows
    assert len(graph.heads) == 0
    assert graph.masses.tolist() == [0] * rows


def test_neighbors_of_large_sets_are_nearly_exact(monkeypatch):
    values = np.random.default_rng(3).normal(size=(1500, 4))
    exact = build_graph(values)
    monkeypatch.setattr(neighbor_graph, "_MAX_EXACT", 1000)
    found = build_graph(values)
    pairs = {*zip(exact.tails.tolist(), exact.heads.tolist(), strict=True)}
    others = {*zip(found.tails.tolist(), found.heads.tolist(), strict=True)}
    assert len(pairs & others) >= 0.9 * len(pairs)
