# SPDX-License-Identifier: Apache-2.0
"""Compiled neighbor search compared with numpy."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas.analysis import directions
from tensorboard_plugin_atlas.analysis.directions import unit_rows
from tensorboard_plugin_atlas.compute.layout.exact_neighbors import nearest_neighbors


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
    indices, distances = nearest_neighbors(np.ones((1, 1), np.float32), 0)
    assert indices.shape == distances.shape == (1, 0)
