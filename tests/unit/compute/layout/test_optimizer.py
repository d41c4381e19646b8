# SPDX-License-Identifier: Apache-2.0
"""Our optimizer: its forces by hand and by brute force, what it minimizes, and what it holds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tensorboard_plugin_atlas.analysis.cosine import unit_rows
from tensorboard_plugin_atlas.compute.layout import numba_kernels as kernels
from tensorboard_plugin_atlas.compute.layout import optimizer as descent
from tensorboard_plugin_atlas.compute.layout.fuzzy_graph import fuzzy_graph, initialize_layout
from tensorboard_plugin_atlas.compute.layout.neighbors import nearest_neighbors
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
    return initialize_layout(rows, graph, seed=0)[0] / 10


def scattered(rows, seed=0):
    """Places in lumps of many sizes, as maps have them."""
    random = np.random.default_rng(seed)
    lumps = random.normal(size=(40, 2)) * 15
    return lumps[random.integers(0, 40, rows) ** 2 // 40] + random.normal(size=(rows, 2)) * 2


def pushed(places):
    """Repulsion and its sum by brute force, in double precision."""
    apart = places[:, None] - places[None]
    similar = 1 / (1 + (apart**2).sum(axis=2))
    return (similar[..., None] ** 2 * apart).sum(axis=1), similar.sum() - len(places)


def repelled(places, side=0):
    x, y = np.array(places.T, np.float32)
    away = np.empty((2, len(x)), np.float32)
    if side:
        total = kernels.repel_by_cells(x, y, away[0], away[1], side)
    else:
        total = kernels.repel_all(x, y, away[0], away[1])
    return away.T, total


def test_repulsion_of_all_pairs_is_the_sum_by_brute_force():
    places = scattered(301)
    forces, total = repelled(places)
    wanted, sum_wanted = pushed(places)
    np.testing.assert_allclose(forces, wanted, atol=1e-4 * np.abs(wanted).max())
    assert total == pytest.approx(sum_wanted, rel=1e-4)


@pytest.mark.parametrize("side", [8, 32])
def test_repulsion_by_cells_is_that_of_all_pairs_to_a_few_hundredths(side):
    places = scattered(3_000)
    forces, total = repelled(places, side)
    wanted, sum_wanted = repelled(places)
    assert np.linalg.norm(forces - wanted) < 0.04 * np.linalg.norm(wanted)
    assert total == pytest.approx(sum_wanted, rel=0.02)


def test_one_cell_or_one_place_leaves_nothing_out():
    places = scattered(50)
    np.testing.assert_allclose(repelled(places, 3)[0].sum(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(repelled(places, 1)[0], repelled(places)[0], atol=1e-4)
    forces, total = repelled(np.zeros((4, 2)), 5)
    np.testing.assert_array_equal(forces, 0)
    assert total == pytest.approx(12)


def one_step(**changes):
    """Two rows 2 apart on a line, joined by one edge of either direction, for one step of rate 1.

    w = 1 / 5 and the sum of w is 2 / 5. Attraction of the first row: 1/2 w (-2) = -1/5, repulsion
    w^2 (-2) / (2/5) = -1/5, so at a pull of 3 its step is 3/5 - 1/5 = 2/5 to the right, and no
    more: a step against a speed of zero lowers the gain to 0.8 of 1. The rows spread by 1, so that
    all but 1 / 10,000 of the attraction counts.
    """
    x, y = np.array([-1, 1], np.float32), np.zeros(2, np.float32)
    given = {
        "anchors": np.full((2, 2), -1, np.float32),
        "holds": np.zeros(2, np.float32),
        "reach": 1.0,
        "mobility": np.ones(2, np.float32),
        "pulls": np.full(1, 3, np.float32),
        "momenta": np.zeros(1, np.float32),
        "rate": 1.0,
    } | changes
    edges = np.array([0, 1, 2]), np.array([1, 0]), np.array([0.5, 0.5])
    indices = [edges[0].astype(np.int32), edges[1].astype(np.int32), edges[2].astype(np.float32)]
    kernels.gradient_descent(x, y, *indices, *given.values(), 0)
    return x, y


def test_one_step_by_hand():
    x, y = one_step()
    np.testing.assert_allclose(x, [-1 + 0.8 * 0.4, 1 - 0.8 * 0.4], atol=1e-4)
    np.testing.assert_array_equal(y, 0)
    np.testing.assert_allclose(one_step(rate=1e3)[0], [4, -4], rtol=1e-5)  # bounded by 5
    half = one_step(mobility=np.array([0.5, 0], np.float32))[0]
    np.testing.assert_allclose(half, [-1 + 0.4 * 0.4, 1], atol=1e-4)


def test_momentum_makes_the_last_step_again():
    # The second pull of 1 equals the push at the places reached, to first order: what is left is
    # half of the first step. Attraction and repulsion are equal where 1/2 w d = w^2 d / (2 w).
    x, _ = one_step(pulls=np.array([3, 1], np.float32), momenta=np.array([0, 0.5], np.float32))
    np.testing.assert_allclose(x, [-1 + 1.5 * 0.32, 1 - 1.5 * 0.32], atol=2e-4)


def test_the_hold_is_an_implicit_step_that_weakens_with_the_distance():
    # No force: the pull is 1. The second row is off by (2, 1), whose square is 5; reach^2 is 5.
    holds = np.array([0, 3], np.float32)
    still = np.ones(1, np.float32)
    x, y = one_step(pulls=still, holds=holds, reach=5**0.5)
    hold = 3 / (1 + 5 / 5)
    np.testing.assert_allclose(x, [-1, -1 + 2 / (1 + hold)], atol=1e-4)
    np.testing.assert_allclose(y, [0, -1 + 1 / (1 + hold)], atol=1e-4)


def cross_entropy(places, graph):
    """What is minimized: t-SNE's divergence with attraction counted `ATTRACTION` times."""
    places = places.astype(np.float64)
    edges = (graph / graph.sum()).tocoo()
    length = ((places[edges.row] - places[edges.col]) ** 2).sum(axis=1)
    return ATTRACTION * (edges.data * np.log1p(length)).sum() + np.log(pushed(places)[1])


def test_it_finds_a_minimum_of_its_objective(graph, start):
    placed = optimize_layout(start, graph, steps=600)
    found = cross_entropy(placed, graph)
    assert found < cross_entropy(start, graph) - 0.1
    random = np.random.default_rng(0)
    for scale in (0.01, 0.1, 1):
        beside = placed + scale * random.normal(size=placed.shape)
        assert cross_entropy(beside, graph) > found


def test_groups_of_rows_lie_together(graph, start):
    placed = optimize_layout(start, graph, steps=300)
    anywhere = np.linalg.norm(placed[:, None] - placed[None], axis=2)
    group = np.arange(200) // 40
    near = np.argsort(anywhere, axis=1)[:, 1:11]
    assert (group[near] == group[:, None]).mean() > 0.95


def test_a_map_by_cells_is_as_good_as_one_of_all_pairs(graph, start, monkeypatch):
    exact = cross_entropy(optimize_layout(start, graph, steps=300), graph)
    monkeypatch.setattr(descent, "_ONE_BY_ONE", 100)
    assert descent._cells_along(200) == 32
    placed = optimize_layout(start, graph, steps=300)
    assert cross_entropy(placed, graph) == pytest.approx(exact, abs=0.05)


def test_cells_grow_with_the_rows():
    assert [descent._cells_along(n) for n in (10, 4_000, 4_001, 14_400, 1_000_000)] == [
        *(0, 0, 32, 40, 48)
    ]


def test_equal_arguments_give_equal_bytes_and_leave_the_start_alone(graph, start):
    before = start.copy()
    once, twice = (optimize_layout(start, graph, steps=50) for _ in range(2))
    np.testing.assert_array_equal(once, twice)
    np.testing.assert_array_equal(start, before)
    assert once.dtype == np.float32
    assert once.shape == start.shape


def test_rows_without_mobility_stay_to_the_bit_and_holds_shorten_moves(graph, start):
    loose = Anchors.loose(200)
    mobility = np.repeat([0, 1], 100).astype(np.float32)
    half = dataclasses.replace(loose, mobility=mobility)
    placed = optimize_layout(start, graph, steps=50, tether=half)
    np.testing.assert_array_equal(placed[:100], start[:100])
    assert (placed[100:] != start[100:]).all()
    moves = []
    for hold in (0, 0.1, 10):
        tether = Anchors(start, np.full(200, hold, np.float32), loose.mobility, 1e3)
        placed = optimize_layout(start, graph, steps=50, tether=tether)
        moves.append(np.linalg.norm(placed - start, axis=1).mean())
    assert moves[0] > 1.3 * moves[1] > 5 * moves[2]


def test_a_line_stays_a_line(graph, start):
    along = start * [1, 0]
    placed = optimize_layout(along.astype(np.float32), graph, steps=50)
    np.testing.assert_array_equal(placed[:, 1], 0)
    assert np.ptp(placed[:, 0]) > np.ptp(along[:, 0])


@pytest.mark.parametrize("shape", [(40, 8), (40, 512), (300, 64), (8, 4)])
def test_rows_of_little_structure_do_not_shrink_to_what_rounding_leaves_of_them(shape):
    # Attraction wins over repulsion near the center, four times over in the opening.
    unit = unit_rows(np.random.default_rng(1).normal(size=shape))
    graph = fuzzy_graph(*nearest_neighbors(unit, min(29, (shape[0] - 1) // 2)))
    start = initialize_layout(unit, graph, seed=0)[0] / 10
    beside = start + np.float32(1e-7) * np.random.default_rng(0).normal(size=start.shape)
    for steps in (80, 400):
        opening = np.arange(400)[:steps] < 80
        places = descended(start, graph, opening)
        width = np.sqrt(np.linalg.eigvalsh(np.cov(places.T))[0])
        assert width > kernels.NARROW / 3
        again = descended(beside.astype(np.float32), graph, opening)
        assert np.median(np.linalg.norm(again - places, axis=1)) < 0.25 * width


def descended(start, graph, opening):
    """The first steps of a descent of 400."""
    x, y = np.array(start.T, np.float32)
    free = Anchors.loose(len(x))
    weights = (graph.data / graph.data.sum()).astype(np.float32)
    edges = graph.indptr.astype(np.int32), graph.indices.astype(np.int32), weights
    pulls = np.where(opening, descent._OPENING_PULL, ATTRACTION).astype(np.float32)
    momenta = np.where(opening, *descent._MOMENTA).astype(np.float32)
    held = free.anchors, free.holds, free.reach, free.mobility
    kernels.gradient_descent(x, y, *edges, *held, pulls, momenta, len(x) / 2, 0)
    return np.stack([x, y], axis=1)


def test_equally_distant_rows_and_a_single_axis_have_a_width(graph):
    unit = np.eye(30, dtype=np.float32)
    equal = fuzzy_graph(*nearest_neighbors(unit, 14))
    places = optimize_layout(initialize_layout(unit, equal, seed=0)[0] / 10, equal, steps=400)
    assert np.linalg.eigvalsh(np.cov(places.T))[0] ** 0.5 > kernels.NARROW / 3
    line = np.zeros((30, 2), np.float32)
    line[:, 0] = np.linspace(-1e-5, 1e-5, 30)
    placed = optimize_layout(line, equal, steps=400)
    assert not placed[:, 1].any()
    assert placed[:, 0].std() > kernels.NARROW / 3
