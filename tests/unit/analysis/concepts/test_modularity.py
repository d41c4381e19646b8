# SPDX-License-Identifier: Apache-2.0
"""Partitions of large modularity, and how they continue an earlier one."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas.analysis.concepts.modularity import (
    INERTIA,
    Objective,
    count_rows,
    dissolve_small,
    find_partition,
)
from tensorboard_plugin_atlas.analysis.concepts.neighbor_graph import NeighborGraph
from tensorboard_plugin_atlas.analysis.concepts.step_concepts import build_graph

GAMMA = 6.0


def make_graph(rows: int = 240, seed: int = 0) -> NeighborGraph:
    return build_graph(np.random.default_rng(seed).normal(size=(rows, 4)))


def random_labels(rows: int, count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, count, rows)


def measure_objective(objective: Objective, labels: np.ndarray) -> float:
    """Returns the objective by its definition, from the whole matrix."""
    graph = objective.graph
    matrix = np.zeros((len(graph), len(graph)))
    matrix[graph.tails, graph.heads] = graph.weights
    inside = matrix[labels[:, None] == labels].sum()
    shares = np.bincount(labels, graph.masses)
    kept = graph.masses[labels == objective.previous].sum()
    return inside - objective.resolution * (shares**2).sum() + 2 * INERTIA * kept


def test_the_gain_of_a_change_is_the_difference_of_the_objective():
    graph, labels = make_graph(), random_labels(240, 8)
    objective = Objective(graph, GAMMA, random_labels(240, 8, seed=2) - 1)
    for seed in range(20):
        random = np.random.default_rng(seed)
        rows = random.permutation(240)[: random.integers(1, 60)]
        changed = labels.copy()
        changed[rows] = (labels[rows] + random.integers(1, 9, len(rows))) % 9
        expected = measure_objective(objective, changed) - measure_objective(objective, labels)
        assert objective.measure_gain(labels, changed, rows) == pytest.approx(expected, abs=1e-12)
        gains = objective.measure_row_gains(labels, changed, rows)
        plain = Objective.without_history(graph, GAMMA)
        difference = plain.measure_modularity(changed) - plain.measure_modularity(labels)
        assert gains.sum() == pytest.approx(difference, abs=1e-12)


def test_no_single_move_improves_an_improved_partition():
    graph = make_graph()
    objective = Objective(graph, GAMMA, random_labels(240, 8, seed=2))
    start = random_labels(240, 8)
    labels = objective.improve(start)
    assert measure_objective(objective, labels) > measure_objective(objective, start)
    for row in range(0, 240, 7):
        for label in range(8):
            changed = labels.copy()
            changed[row] = label
            if label != labels[row]:
                rows = np.array([row])
                assert objective.measure_gain(labels, changed, rows) < 1e-9


def test_an_earlier_partition_of_the_same_graph_is_a_fixed_point():
    graph = make_graph()
    first = find_partition(graph, GAMMA, np.arange(240) // 4)
    second = Objective(graph, GAMMA, first).improve(first)
    np.testing.assert_array_equal(first, second)
    # Also after moves that another earlier partition held back.
    held = Objective(graph, GAMMA, random_labels(240, int(first.max()) + 1)).improve(first)
    np.testing.assert_array_equal(held, Objective(graph, GAMMA, held).improve(held))


def test_a_partition_finds_planted_clusters():
    random = np.random.default_rng(0)
    planted = np.repeat(np.arange(12), 40)
    centers = random.normal(size=(12, 32))
    values = centers[planted] + 0.3 * random.normal(size=(480, 32))
    graph = build_graph(values)
    labels = find_partition(graph, GAMMA, np.arange(480) // 2 % 120)
    pairs = {*zip(planted.tolist(), labels.tolist(), strict=True)}
    assert len(pairs) == 12
    assert sorted(np.unique(labels)) == list(range(12))


def test_the_resolution_limits_the_size():
    graph = make_graph(600)
    for resolution in (2.0, 6.0, 12.0):
        labels = find_partition(graph, resolution, np.arange(600) // 4)
        assert np.bincount(labels).max() / 600 < 1.6 / resolution


@pytest.mark.parametrize("min_rows", [1, 12, 60, 1000])
def test_small_labels_are_dissolved(min_rows):
    graph = make_graph()
    objective = Objective.without_history(graph, GAMMA)
    labels = dissolve_small(objective, find_partition(graph, GAMMA, np.arange(240)), min_rows)
    sizes = count_rows(graph, labels)
    sizes = sizes[sizes > 0]
    assert len(sizes) == 1 or sizes.min() >= min_rows


def test_rows_without_edges_are_not_counted():
    values = np.random.default_rng(0).normal(size=(100, 4))
    values[:30] = np.nan
    graph = build_graph(values)
    labels = np.repeat([0, 1], 50)
    assert count_rows(graph, labels).tolist() == [20, 50]


def test_a_graph_without_edges_has_any_partition():
    graph = build_graph(np.zeros((20, 3)))
    labels = find_partition(graph, GAMMA, np.arange(20))
    assert labels.shape == (20,)
    assert Objective.without_history(graph, GAMMA).measure_modularity(labels) == 0
