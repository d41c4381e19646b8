# SPDX-License-Identifier: Apache-2.0
"""Directions and exact neighbours, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from tensorboard_plugin_atlas.evolution import cosine
from tensorboard_plugin_atlas.evolution.cosine import distinct_directions, nearest, unit_rows


def test_unit_rows_have_length_one_whatever_their_size():
    rows = np.array([[3, 4], [3e38, 4e38], [3e-40, 4e-40]], np.float64)
    np.testing.assert_allclose(unit_rows(rows), [[0.6, 0.8]] * 3, rtol=1e-6)


def test_half_precision_does_not_overflow():
    unit = unit_rows(np.full((1, 4), 60_000, np.float16))
    np.testing.assert_allclose(unit, [[0.5] * 4], rtol=1e-6)


def test_zero_rows_are_a_direction_of_their_own():
    unit = unit_rows(np.array([[0, 0], [2, 0], [0, 0]], np.float32))
    np.testing.assert_array_equal(unit, [[0, 0, 1], [1, 0, 0], [0, 0, 1]])


def test_distinct_directions_keeps_the_order_of_first_appearance():
    rows = np.array([[2, 0], [0, 5], [1, 0], [1, 1], [0, 1], [-1, 0]], np.float32)
    first, group = distinct_directions(unit_rows(rows))
    assert first.tolist() == [0, 1, 3, 5]
    assert group.tolist() == [0, 1, 0, 2, 1, 3]


def test_nearest_by_hand():
    angles = np.deg2rad([0, 10, 30, 90])
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    indices, distances = nearest(unit, 2)
    assert indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    np.testing.assert_allclose(distances[0], 1 - np.cos(np.deg2rad([10, 30])), atol=1e-6)


@pytest.mark.parametrize("entries", [1, 500, 1 << 20])
def test_nearest_does_not_depend_on_the_block_size(monkeypatch, entries):
    monkeypatch.setattr(cosine, "_BLOCK_ENTRIES", entries)
    rows = np.random.default_rng(0).normal(size=(70, 8))
    away = pairwise_distances(rows, metric="cosine")
    np.fill_diagonal(away, np.inf)
    indices, distances = nearest(unit_rows(rows), 5)
    np.testing.assert_array_equal(indices, np.argsort(away, axis=1)[:, :5])
    np.testing.assert_allclose(distances, np.sort(away, axis=1)[:, :5], atol=1e-6)


def test_no_neighbours_of_a_single_row():
    indices, distances = nearest(np.ones((1, 1), np.float32), 0)
    assert indices.shape == distances.shape == (1, 0)
