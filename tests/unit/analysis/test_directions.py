# SPDX-License-Identifier: Apache-2.0
"""Directions and exact neighbors, against hand-computed numbers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from tensorboard_plugin_atlas.analysis import directions
from tensorboard_plugin_atlas.analysis.directions import (
    distinct_directions,
    exact_cosines,
    nearest_neighbors,
    smallest_columns,
    to_integers,
    unit_rows,
)


def test_unit_rows_have_length_one_at_any_scale():
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


@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.5, (396324.5) / 2**20])
def test_rows_that_differ_by_rounding_are_one_direction(value):
    random = np.random.default_rng(0)
    rows = np.full((300, 20), value) * (1 + 1e-7 * random.uniform(-1, 1, (300, 20)))
    rows[:, 0] = np.sqrt(1 - 19 * value**2) if 19 * value**2 < 1 else value
    first, group = distinct_directions(unit_rows(rows.astype(np.float32)))
    assert first.tolist() == [0]
    assert not group.any()
    rows[100:, 3] += 1e-5
    assert distinct_directions(unit_rows(rows.astype(np.float32)))[0].tolist() == [0, 100]


def test_hand_computed_neighbors():
    angles = np.deg2rad([0, 10, 30, 90])
    unit = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    indices, distances = nearest_neighbors(unit, 2)
    assert indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    np.testing.assert_allclose(distances[0], 1 - np.cos(np.deg2rad([10, 30])), atol=1e-6)


@pytest.mark.parametrize("entries", [1, 500, 1 << 20])
def test_nearest_does_not_depend_on_the_block_size(monkeypatch, entries):
    monkeypatch.setattr(directions, "_BLOCK_ENTRIES", entries)
    rows = np.random.default_rng(0).normal(size=(70, 8))
    away = pairwise_distances(rows, metric="cosine")
    np.fill_diagonal(away, np.inf)
    indices, distances = nearest_neighbors(unit_rows(rows), 5)
    np.testing.assert_array_equal(indices, np.argsort(away, axis=1)[:, :5])
    np.testing.assert_allclose(distances, np.sort(away, axis=1)[:, :5], atol=1e-6)


def test_no_neighbors_of_a_single_row():
    indices, distances = nearest_neighbors(np.ones((1, 1), np.float32), 0)
    assert indices.shape == distances.shape == (1, 0)


@pytest.mark.parametrize("shape", [(40, 3), (60, 700), (50, 5000)])
def test_cosines_do_not_depend_on_the_order_of_sums(shape):
    rows = np.random.default_rng(0).normal(size=shape) + 1
    unit = unit_rows(rows)
    cosines = exact_cosines(unit, unit)
    order = np.random.default_rng(1).permutation(shape[1])
    np.testing.assert_array_equal(exact_cosines(unit[:, order], unit[:, order]), cosines)
    np.testing.assert_array_equal(cosines, cosines.T)
    np.testing.assert_allclose(cosines, 1 - pairwise_distances(rows, metric="cosine"), atol=1e-6)
    # As exact as integers: products of what the rows are rounded to, without any rounding.
    whole = np.rint(unit.astype(np.float64) * 2.0**26).astype(np.int64)[:3]
    exact = [
        [sum(int(a) * int(b) for a, b in zip(i, j, strict=True)) for j in whole] for i in whole
    ]
    assert [[int(value * 2.0**52) for value in row] for row in cosines[:3, :3]] == exact


def test_lengths_do_not_depend_on_the_order_of_channels():
    rows = np.random.default_rng(0).normal(size=(30, 1000)).astype(np.float32)
    order = np.random.default_rng(1).permutation(1000)
    np.testing.assert_array_equal(unit_rows(rows[:, order]), unit_rows(rows)[:, order])
    np.testing.assert_allclose(np.linalg.norm(unit_rows(rows), axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("terms", [1, 2, 1000, 100_000])
def test_sums_of_products_of_integers_stay_exact(terms):
    largest = to_integers(np.ones(1), terms)[0]
    assert largest**2 * terms <= 2.0**53
    assert (2 * largest) ** 2 * terms > 2.0**51


def test_the_first_of_ties_is_chosen():
    values = np.array([[3, 1, 1, 1], [0, 5, 5, 2], [7, 7, 7, 7], [4, 3, 2, 1]], np.float64)
    assert smallest_columns(values, 2).tolist() == [[1, 2], [0, 3], [0, 1], [2, 3]]
    assert smallest_columns(values, 3).tolist() == [[1, 2, 3], [0, 1, 3], [0, 1, 2], [1, 2, 3]]
    assert smallest_columns(values, 4).tolist() == [[0, 1, 2, 3]] * 4


def test_the_first_of_many_equally_near_rows_is_chosen():
    unit = np.repeat(np.eye(2, dtype=np.float32), 40, axis=0)
    indices, distances = nearest_neighbors(unit, 3)
    assert indices[:3].tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3]]
    assert indices[-1].tolist() == [40, 41, 42]
    assert not distances.any()
