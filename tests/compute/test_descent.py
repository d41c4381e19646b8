# SPDX-License-Identifier: Apache-2.0
"""Our optimiser: its curve and gradients against umap-learn's and by hand, and what it holds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.sparse

from tensorboard_plugin_atlas.compute.maps import kernels
from tensorboard_plugin_atlas.compute.maps.descent import Tether, _gradients, curve, descend
from tensorboard_plugin_atlas.compute.maps.neighbours import nearest
from tensorboard_plugin_atlas.compute.maps.umap_pieces import (
    borrowed_umap,
    first_start,
    fuzzy_graph,
)
from tensorboard_plugin_atlas.evolution.cosine import unit_rows


@pytest.fixture(scope="module")
def rows():
    centres = np.random.default_rng(1).normal(size=(5, 12)) * 2
    return unit_rows(
        np.repeat(centres, 40, axis=0) + np.random.default_rng(0).normal(size=(200, 12))
    )


@pytest.fixture(scope="module")
def graph(rows):
    return fuzzy_graph(*nearest(rows, 14))


@pytest.fixture(scope="module")
def start(rows, graph):
    return first_start(rows, graph, seed=0)[0]


@pytest.mark.parametrize("min_dist", [0.0, 0.1, 0.5, 1.0])
def test_the_curve_is_umap_learns(min_dist):
    with borrowed_umap() as umap:
        np.testing.assert_allclose(curve(min_dist), umap.find_ab_params(1.0, min_dist), rtol=1e-6)


def test_the_tables_hold_the_gradients_of_the_paper():
    a, b = 1.5, 0.9
    pull, push = _gradients(a, b)
    for squared in np.array([1e-4, 0.03, 1, 7.7, 900], np.float32):
        index = squared.view(np.int32) >> 16
        grown = a * float(squared) ** b
        attraction = -2 * a * b * float(squared) ** (b - 1) / (1 + grown)
        repulsion = 2 * b / ((0.001 + float(squared)) * (1 + grown))
        assert pull[index] == pytest.approx(attraction, rel=0.02)
        assert push[index] == pytest.approx(2 * repulsion, rel=0.02)
    assert pull[0] == push[0] == 0
    assert np.isfinite(pull).all()
    assert np.isfinite(push).all()


def test_the_steps_of_one_row_by_hand():
    # As in umap-learn an edge is first drawn after its period: at epoch 1 of 2, at rate 1/2^1.5.
    # Its negatives are row 1 or the row itself, and there is nothing in the table of repulsion.
    places = np.array([[0, 0], [2, 0]], np.float32)
    pull, push = np.zeros(1 << 15, np.float32), np.zeros(1 << 15, np.float32)
    pull[np.float32(4).view(np.int32) >> 16] = -0.25
    free, loose = np.ones(2, np.float32), np.zeros(2, np.float32)
    edges = np.array([0, 1, 1], np.int32), np.array([1], np.int32), np.ones(1, np.float32)
    kernels.descend(places, *edges, pull, push, 16, places.copy(), loose, free, 2, 5, 5, 0)
    rate = 0.5**1.5
    np.testing.assert_allclose(places, [[rate * 0.25 * 2, 0], [2, 0]])
    places[0] = 0
    pull[:] = -100  # bounded: a step is at most 4
    kernels.descend(places, *edges, pull, push, 16, places.copy(), loose, free, 2, 5, 5, 0)
    np.testing.assert_allclose(places, [[rate * 4, 0], [2, 0]])


def test_the_hold_is_an_implicit_step():
    # No edges. Rates of 2 epochs: 1 and r = 1/2^1.5; a hold of 3 takes 3/4, then 3r / (1 + 3r) of
    # the way back.
    places = np.array([[8, 0], [8, 0]], np.float32)
    table = np.zeros(1 << 15, np.float32)
    edges = np.zeros(3, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)
    holds = np.array([3, 0], np.float32)
    anchors = np.zeros((2, 2), np.float32)
    kernels.descend(places, *edges, table, table, 16, anchors, holds, holds, 2, 5, 5, 0)
    np.testing.assert_allclose(places, [[8 * 0.25 / (1 + 3 * 0.5**1.5), 0], [8, 0]], rtol=1e-6)


def test_negatives_rise_evenly_from_the_first_epoch_to_the_last():
    # Two rows; a draw is row 1 half the time, and pushes by 1. Of no negatives to 400, 40 epochs.
    pushes = []
    for counts in ((0, 400), (400, 400), (0, 0)):
        places = np.array([[0, 0], [2, 0]], np.float32)
        pull, push = np.zeros(1 << 15, np.float32), np.full(1 << 15, 1e-4, np.float32)
        free, loose = np.array([1, 0], np.float32), np.zeros(2, np.float32)
        edges = np.array([0, 1, 1], np.int32), np.array([1], np.int32), np.ones(1, np.float32)
        kernels.descend(places, *edges, pull, push, 16, places.copy(), loose, free, 40, *counts, 0)
        pushes.append(-places[0, 0])
    # Rates fall as r^1.5, so late epochs weigh less: 400 (1 - r) r^1.5 over 400 r^1.5 is 2/7.
    assert pushes[0] / pushes[1] == pytest.approx(2 / 7, abs=0.04)
    assert pushes[2] == 0


def test_it_is_as_good_as_umap_learn_in_its_own_measure(rows, graph, start):
    placed = descend(start, graph, min_dist=0.1, epochs=200, seed=0)
    edges = graph.tocoo()
    length = np.linalg.norm(placed[edges.row] - placed[edges.col], axis=1)
    anywhere = np.linalg.norm(placed[:, None] - placed[None], axis=2)
    assert np.median(length) < np.median(anywhere) / 3
    group = np.arange(200) // 40
    near = np.argsort(anywhere, axis=1)[:, 1:11]
    assert (group[near] == group[:, None]).mean() > 0.95


def test_equal_arguments_give_equal_bytes_and_leave_the_start_alone(graph, start):
    before = start.copy()
    once, twice, other = (
        descend(start, graph, min_dist=0.1, epochs=50, seed=seed) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(once, twice)
    np.testing.assert_array_equal(start, before)
    assert not np.array_equal(once, other)


def test_rows_without_mobility_stay_to_the_bit_and_holds_shorten_moves(graph, start):
    loose = Tether.loose(200)
    mobility = np.repeat([0, 1], 100).astype(np.float32)
    half = dataclasses.replace(loose, mobility=mobility)
    placed = descend(start, graph, min_dist=0.1, epochs=50, seed=0, tether=half)
    np.testing.assert_array_equal(placed[:100], start[:100])
    assert (placed[100:] != start[100:]).all()
    moves = []
    for hold in (0, 1, 100):
        tether = Tether(start, np.full(200, hold, np.float32), loose.mobility)
        placed = descend(start, graph, min_dist=0.1, epochs=50, seed=0, tether=tether)
        moves.append(np.linalg.norm(placed - start, axis=1).mean())
    assert moves[0] > 2 * moves[1] > 4 * moves[2]


def test_weak_edges_are_drawn_in_their_share_of_the_epochs():
    # Row 0 is drawn to row 1 in every epoch and to row 2 in every second of four.
    graph = scipy.sparse.csr_matrix(np.array([[0, 1, 0.5], [0, 0, 0], [0, 0, 0]]))
    places = np.array([[0, 0], [3, 0], [0, 3]], np.float32)
    alone = Tether(places, np.zeros(3, np.float32), np.array([1, 0, 0], np.float32))
    placed = descend(places, graph, min_dist=0.1, epochs=4, seed=0, tether=alone)
    np.testing.assert_array_equal(placed[1:], places[1:])
    assert placed[0, 0] > placed[0, 1]
