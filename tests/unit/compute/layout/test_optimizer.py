# SPDX-License-Identifier: Apache-2.0
"""The optimizer: its forces, its objective and anchors."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tensorboard_plugin_atlas.analysis.directions import unit_rows
from tensorboard_plugin_atlas.compute.layout import numba_kernels as kernels
from tensorboard_plugin_atlas.compute.layout import optimizer
from tensorboard_plugin_atlas.compute.layout.exact_neighbors import nearest_neighbors
from tensorboard_plugin_atlas.compute.layout.fuzzy_graph import fuzzy_graph
from tensorboard_plugin_atlas.compute.layout.initial_layout import find_start, scale_start
from tensorboard_plugin_atlas.compute.layout.optimizer import ATTRACTION, Anchors, optimize_layout


@pytest.fixture(scope="module")
def rows():
    centers = np.random.default_rng(1).normal(size=(5, 12)) * 2
    return unit_rows(
        np.repeat(centers, 40, axis=0) + np.random.default_rng(0).normal(size=(200, 12))
    )


@pytest.fixture(scope="module")
def graph(rows):
    return fuzzy_graph(*nearest_neighbors(rows, 14))


@pytest.fixture(scope="module")
def start(rows, graph):
    return scale_start(find_start(rows, graph)[0], 0) / 10


def make_clusters(rows, seed=0):
    """Coordinates in clusters of many sizes, like those of maps."""
    random = np.random.default_rng(seed)
    lumps = random.normal(size=(40, 2)) * 15
    return lumps[random.integers(0, 40, rows) ** 2 // 40] + random.normal(size=(rows, 2)) * 2


def compute_repulsion(coordinates):
    """Repulsion and its sum by brute force, in double precision."""
    apart = coordinates[:, None] - coordinates[None]
    similar = 1 / (1 + (apart**2).sum(axis=2))
    return (similar[..., None] ** 2 * apart).sum(axis=1), similar.sum() - len(coordinates)


def run_kernel(coordinates):
    x, y = np.array(coordinates.T, np.float32)
    away = np.empty((2, len(x)), np.float32)
    total = kernels.repel_all(x, y, away[0], away[1])
    return away.T, total


def test_repulsion_of_all_pairs_is_the_sum_by_brute_force():
    coordinates = make_clusters(301)
    forces, total = run_kernel(coordinates)
    wanted, sum_wanted = compute_repulsion(coordinates)
    np.testing.assert_allclose(forces, wanted, atol=1e-4 * np.abs(wanted).max())
    assert total == pytest.approx(sum_wanted, rel=1e-4)


def one_step(**changes):
    """One step of rate 1 for two rows with distance 2 on a line and an edge in both directions.

    w = 1 / 5 and the sum of w is 2 / 5. Attraction of the first row: 1/2 w (-2) = -1/5, repulsion
    w^2 (-2) / (2/5) = -1/5, so with an attraction of 3 its step is 3/5 - 1/5 = 2/5 to the
    right, times a gain of 0.8, because its speed is zero. The standard deviation of the rows is 1,
    so that the attraction is reduced by 1 / 10,000 only.
    """
    x, y = np.array([-1, 1], np.float32), np.zeros(2, np.float32)
    arguments = {
        "anchors": np.full((2, 2), -1, np.float32),
        "strengths": np.zeros(2, np.float32),
        "radius": 1.0,
        "mobility": np.ones(2, np.float32),
        "attractions": np.full(1, 3, np.float32),
        "momenta": np.zeros(1, np.float32),
        "rate": 1.0,
    } | changes
    edges = np.array([0, 1, 2]), np.array([1, 0]), np.array([0.5, 0.5])
    indices = [edges[0].astype(np.uint32), edges[1].astype(np.uint32), edges[2].astype(np.float32)]
    kernels.gradient_descent(x, y, *indices, *arguments.values())
    return x, y


def test_a_hand_computed_step():
    x, y = one_step()
    np.testing.assert_allclose(x, [-1 + 0.8 * 0.4, 1 - 0.8 * 0.4], atol=1e-4)
    np.testing.assert_array_equal(y, 0)
    np.testing.assert_allclose(one_step(rate=1e3)[0], [4, -4], rtol=1e-5)  # bounded by 5
    half = one_step(mobility=np.array([0.5, 0], np.float32))[0]
    np.testing.assert_allclose(half, [-1 + 0.4 * 0.4, 1], atol=1e-4)


def test_momentum_repeats_half_of_the_last_step():
    # The second attraction of 1 equals the repulsion, to first order: half of the first step
    # remains. Attraction and repulsion are equal where 1/2 w d = w^2 d / (2 w).
    x, _ = one_step(
        attractions=np.array([3, 1], np.float32), momenta=np.array([0, 0.5], np.float32)
    )
    np.testing.assert_allclose(x, [-1 + 1.5 * 0.32, 1 - 1.5 * 0.32], atol=2e-4)


def test_an_anchor_is_an_implicit_step_that_weakens_with_the_distance():
    # No force: attraction is 1. The second row is off by (2, 1), whose square is 5, as radius^2.
    strengths = np.array([0, 3], np.float32)
    still = np.ones(1, np.float32)
    x, y = one_step(attractions=still, strengths=strengths, radius=5**0.5)
    strength = 3 / (1 + 5 / 5)
    np.testing.assert_allclose(x, [-1, -1 + 2 / (1 + strength)], atol=1e-4)
    np.testing.assert_allclose(y, [0, -1 + 1 / (1 + strength)], atol=1e-4)


def cross_entropy(coordinates, graph):
    """The objective: t-SNE's divergence with attraction times `ATTRACTION`."""
    coordinates = coordinates.astype(np.float64)
    edges = (graph / graph.sum()).tocoo()
    length = ((coordinates[edges.row] - coordinates[edges.col]) ** 2).sum(axis=1)
    return ATTRACTION * (edges.data * np.log1p(length)).sum() + np.log(
        compute_repulsion(coordinates)[1]
    )


def test_it_finds_a_minimum_of_its_objective(graph, start):
    optimized = optimize_layout(start, graph, steps=600)
    found = cross_entropy(optimized, graph)
    assert found < cross_entropy(start, graph) - 0.1
    random = np.random.default_rng(0)
    for scale in (0.01, 0.1, 1):
        perturbed = optimized + scale * random.normal(size=optimized.shape)
        assert cross_entropy(perturbed, graph) > found


def test_clusters_stay_together(graph, start):
    optimized = optimize_layout(start, graph, steps=300)
    anywhere = np.linalg.norm(optimized[:, None] - optimized[None], axis=2)
    group = np.arange(200) // 40
    near = np.argsort(anywhere, axis=1)[:, 1:11]
    assert (group[near] == group[:, None]).mean() > 0.95


def test_equal_arguments_give_equal_bytes_and_do_not_change_the_start(graph, start):
    before = start.copy()
    once, twice = (optimize_layout(start, graph, steps=50) for _ in range(2))
    np.testing.assert_array_equal(once, twice)
    np.testing.assert_array_equal(start, before)
    assert once.dtype == np.float32
    assert once.shape == start.shape


def test_rows_without_mobility_do_not_move_and_anchors_shorten_moves(graph, start):
    none = Anchors.none(200)
    mobility = np.repeat([0, 1], 100).astype(np.float32)
    half = dataclasses.replace(none, mobility=mobility)
    optimized = optimize_layout(start, graph, steps=50, anchors=half)
    np.testing.assert_array_equal(optimized[:100], start[:100])
    assert (optimized[100:] != start[100:]).all()
    moves = []
    for strength in (0, 0.1, 10):
        anchors = Anchors(start, np.full(200, strength, np.float32), none.mobility, 1e3)
        optimized = optimize_layout(start, graph, steps=50, anchors=anchors)
        moves.append(np.linalg.norm(optimized - start, axis=1).mean())
    assert moves[0] > 1.3 * moves[1] > 5 * moves[2]


def test_a_line_stays_a_line(graph, start):
    along = start * [1, 0]
    optimized = optimize_layout(along.astype(np.float32), graph, steps=50)
    np.testing.assert_array_equal(optimized[:, 1], 0)
    assert np.ptp(optimized[:, 0]) > np.ptp(along[:, 0])


@pytest.mark.parametrize("shape", [(40, 8), (40, 512), (300, 64), (8, 4)])
def test_maps_of_little_structure_do_not_collapse(shape):
    # Attraction exceeds repulsion near the center, four times during early exaggeration.
    unit = unit_rows(np.random.default_rng(1).normal(size=shape))
    graph = fuzzy_graph(*nearest_neighbors(unit, min(29, (shape[0] - 1) // 2)))
    start = scale_start(find_start(unit, graph)[0], 0) / 10
    perturbed = start + np.float32(1e-7) * np.random.default_rng(0).normal(size=start.shape)
    for steps in (80, 400):
        is_exaggerated = np.arange(400)[:steps] < 80
        coordinates = descend(start, graph, is_exaggerated)
        width = np.sqrt(np.linalg.eigvalsh(np.cov(coordinates.T))[0])
        assert width > kernels.NARROW / 3
        again = descend(perturbed.astype(np.float32), graph, is_exaggerated)
        assert np.median(np.linalg.norm(again - coordinates, axis=1)) < 0.25 * width


def descend(start, graph, is_exaggerated):
    """Returns the map after the first of 400 steps."""
    x, y = np.array(start.T, np.float32)
    free = Anchors.none(len(x))
    weights = (graph.data / graph.data.sum()).astype(np.float32)
    edges = graph.indptr.astype(np.uint32), graph.indices.astype(np.uint32), weights
    attractions = np.where(is_exaggerated, optimizer._EXAGGERATION, ATTRACTION).astype(np.float32)
    momenta = np.where(is_exaggerated, *optimizer._MOMENTA).astype(np.float32)
    held = free.coordinates, free.strengths, free.radius, free.mobility
    kernels.gradient_descent(x, y, *edges, *held, attractions, momenta, len(x) / 2)
    return np.stack([x, y], axis=1)


def test_equally_distant_rows_and_a_single_axis_have_a_width(graph):
    unit = np.eye(30, dtype=np.float32)
    equal = fuzzy_graph(*nearest_neighbors(unit, 14))
    coordinates = optimize_layout(scale_start(find_start(unit, equal)[0], 0) / 10, equal, steps=400)
    assert np.linalg.eigvalsh(np.cov(coordinates.T))[0] ** 0.5 > kernels.NARROW / 3
    line = np.zeros((30, 2), np.float32)
    line[:, 0] = np.linspace(-1e-5, 1e-5, 30)
    optimized = optimize_layout(line, equal, steps=400)
    assert not optimized[:, 1].any()
    assert optimized[:, 0].std() > kernels.NARROW / 3
