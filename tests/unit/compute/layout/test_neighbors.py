# SPDX-License-Identifier: Apache-2.0
"""Compiled neighbor search compared with numpy, and overlaps of neighborhoods."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas.analysis import directions
from tensorboard_plugin_atlas.analysis.directions import unit_rows
from tensorboard_plugin_atlas.compute.layout import neighbors as neighbors
from tensorboard_plugin_atlas.compute.layout.neighbors import (
    nearest_neighbors,
    overlap,
    share_among,
)


@pytest.mark.parametrize("entries", [1, 500, 1 << 20])
@pytest.mark.parametrize("k", [1, 5, 69])
def test_nearest_equals_the_plain_search(monkeypatch, entries, k):
    monkeypatch.setattr(directions, "_BLOCK_ENTRIES", entries)
    unit = unit_rows(np.random.default_rng(0).normal(size=(70, 8)))
    indices, distances = nearest_neighbors(unit, k)
    expected, away = directions.nearest_neighbors(unit, k)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(distances, away, atol=1e-6)
    assert (indices.dtype, distances.dtype) == (np.int32, np.float32)


def test_the_first_of_equally_near_rows_is_chosen():
    unit = np.repeat(np.eye(2, dtype=np.float32), 3, axis=0)
    indices, distances = nearest_neighbors(unit, 3)
    assert indices.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [4, 5, 0], [3, 5, 0], [3, 4, 0]]
    assert distances.tolist() == [[0, 0, 1]] * 6


def test_opposite_rows_are_neighbors_where_there_are_no_others():
    indices, distances = nearest_neighbors(np.array([[1, 0], [-1, 0]], np.float32), 1)
    assert indices.tolist() == [[1], [0]]
    assert distances.tolist() == [[2], [2]]


def test_no_neighbors_of_a_single_row():
    indices, distances = neighbors.nearest_neighbors(np.ones((1, 1), np.float32), 0)
    assert indices.shape == distances.shape == (1, 0)


def test_hand_computed_overlap():
    before = np.array([[1, 2], [0, 2], [1, 3], [-1, -1], [1, 2]], np.int32)
    now = np.array([[2, 1], [3, 2], [0, 4], [-1, -1], [-1, -1]], np.int32)
    np.testing.assert_allclose(overlap(now, before), [1, 0.5, 0, 0, 0])


def test_overlap_of_unequal_neighborhoods_uses_the_smaller():
    now = np.array([[1, 2, 3]], np.int32)
    assert overlap(now, np.array([[2, 9]], np.int32)).tolist() == [0.5]
    assert overlap(np.empty((1, 0), np.int32), now).tolist() == [1.0]


def test_share_among_a_larger_pool():
    queries = np.array([[1, 2], [3, -1]], np.int32)
    pool = np.array([[9, 2, 1, 7], [3, 4, 5, -1]], np.int32)
    assert share_among(queries, pool).tolist() == [1, 0.5]
