# SPDX-License-Identifier: Apache-2.0
"""Repulsion on a grid, and layouts with it."""

from __future__ import annotations

import numpy as np
import pytest
from test_optimizer import compute_repulsion, cross_entropy, make_clusters

from tensorboard_plugin_atlas.analysis.directions import unit_rows
from tensorboard_plugin_atlas.compute.layout import grid_repulsion, optimizer
from tensorboard_plugin_atlas.compute.layout.exact_neighbors import nearest_neighbors
from tensorboard_plugin_atlas.compute.layout.fuzzy_graph import fuzzy_graph
from tensorboard_plugin_atlas.compute.layout.grid_repulsion import GridRepulsion
from tensorboard_plugin_atlas.compute.layout.initial_layout import find_start, scale_start
from tensorboard_plugin_atlas.compute.layout.optimizer import Anchors, optimize_layout


def repel(coordinates, repulsion=None):
    x, y = np.array(coordinates.T, np.float32)
    away = np.empty((2, len(x)), np.float32)
    total = (repulsion or GridRepulsion())(x, y, away[0], away[1])
    return away.T, total


def assert_forces(coordinates, repulsion=None, tolerance=0.1):
    forces, total = repel(coordinates, repulsion)
    wanted, sum_wanted = compute_repulsion(coordinates.astype(np.float64))
    assert np.linalg.norm(forces - wanted) < tolerance * np.linalg.norm(wanted)
    assert total == pytest.approx(sum_wanted, rel=0.5 * tolerance)


@pytest.mark.parametrize(("scale", "tolerance"), [(0.02, 0.001), (1, 0.04), (8, 0.1)])
def test_repulsion_is_the_sum_by_brute_force(scale, tolerance):
    assert_forces(scale * make_clusters(2_000), tolerance=tolerance)


def test_a_grid_is_used_as_long_as_the_map_fits():
    repulsion = GridRepulsion()
    coordinates = make_clusters(1_000)
    assert_forces(coordinates, repulsion)
    grid = repulsion._grid
    assert_forces(0.95 * coordinates, repulsion)
    assert repulsion._grid is grid
    for scale in (4, 0.1, 1):
        assert_forces(scale * coordinates, repulsion)
        assert repulsion._grid is not grid
        grid = repulsion._grid


def test_the_grid_of_a_very_wide_map_is_coarser(monkeypatch):
    monkeypatch.setattr(grid_repulsion, "_MAX_SIDE", 128)
    repulsion = GridRepulsion()
    coordinates = make_clusters(1_000)
    assert np.ptp(coordinates) > 64
    assert_forces(coordinates, repulsion, tolerance=0.25)
    assert max(repulsion._grid.shape) < 200


def test_rows_on_a_line_stay_there():
    line = make_clusters(1_000) * [30, 0]
    forces, _ = repel(line)
    np.testing.assert_array_equal(forces[:, 1], 0)
    assert_forces(line)


def test_equal_rows_do_not_move():
    forces, total = repel(np.zeros((40, 2)))
    np.testing.assert_allclose(forces, 0, atol=1e-4)
    assert total == pytest.approx(40 * 39, rel=0.01)


@pytest.fixture(scope="module")
def graph():
    centers = np.random.default_rng(1).normal(size=(5, 12)) * 2
    noise = np.random.default_rng(0).normal(size=(200, 12))
    unit = unit_rows(np.repeat(centers, 40, axis=0) + noise)
    return unit, fuzzy_graph(*nearest_neighbors(unit, 14))


@pytest.fixture
def start(graph):
    return scale_start(find_start(*graph)[0], 0) / 10


@pytest.fixture
def always_large(monkeypatch):
    monkeypatch.setattr(optimizer, "_EXACT_UP_TO", 100)


def test_a_map_is_as_good_as_with_exact_forces(graph, start, monkeypatch):
    exact = cross_entropy(optimize_layout(start, graph[1], steps=300), graph[1])
    monkeypatch.setattr(optimizer, "_EXACT_UP_TO", 100)
    optimized = optimize_layout(start, graph[1], steps=300)
    assert cross_entropy(optimized, graph[1]) == pytest.approx(exact, abs=0.01)


def test_one_step_is_that_of_exact_forces(graph, start, monkeypatch):
    strengths = np.linspace(0, 2, 200).astype(np.float32)
    mobility = np.linspace(1, 0, 200).astype(np.float32)
    anchors = Anchors(start[::-1], strengths, mobility, 2.0)
    exact = optimize_layout(10 * start, graph[1], steps=1, anchors=anchors)
    monkeypatch.setattr(optimizer, "_EXACT_UP_TO", 100)
    found = optimize_layout(10 * start, graph[1], steps=1, anchors=anchors)
    np.testing.assert_allclose(found, exact, atol=0.02)
    assert np.abs(exact - 10 * start).max() > 0.2


@pytest.mark.usefixtures("always_large")
def test_a_line_stays_a_line_and_is_optimized(graph, start):
    along = (start * [1, 0]).astype(np.float32)
    optimized = optimize_layout(along, graph[1], steps=50)
    np.testing.assert_array_equal(optimized[:, 1], 0)
    assert np.ptp(optimized[:, 0]) > np.ptp(along[:, 0])


@pytest.mark.usefixtures("always_large")
def test_equal_arguments_give_equal_bytes_and_do_not_change_the_start(graph, start):
    before = start.copy()
    once, twice = (optimize_layout(start, graph[1], steps=50) for _ in range(2))
    np.testing.assert_array_equal(once, twice)
    np.testing.assert_array_equal(start, before)
    assert once.dtype == np.float32
