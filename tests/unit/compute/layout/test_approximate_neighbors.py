# SPDX-License-Identifier: Apache-2.0
"""Approximate nearest neighbors: most of the exact ones are found, and none is invented."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas.analysis.directions import (
    distinct_directions,
    hashed_directions,
    unit_rows,
)
from tensorboard_plugin_atlas.compute.layout.approximate_neighbors import (
    approximate_neighbors,
    measure_recall,
)
from tensorboard_plugin_atlas.compute.layout.exact_neighbors import nearest_neighbors


def make_rows(count, channels=24, seed=0):
    """Rows on curved sheets, as activations are: many channels, few directions of change."""
    random = np.random.default_rng(seed)
    hidden = (
        random.normal(size=(count, 4))
        + 3 * random.normal(size=(30, 4))[random.integers(0, 30, count)]
    )
    values = np.maximum(hidden @ random.normal(size=(4, channels)), 0)
    return unit_rows(values + 0.05 * random.normal(size=(count, channels)))


@pytest.mark.parametrize("count", [2_000, 9_000])
def test_most_of_the_nearest_are_found(count):
    unit = make_rows(count)
    indices, distances = approximate_neighbors(unit, 29)
    exact, exact_distances = nearest_neighbors(unit, 29)
    found = np.array([len(np.intersect1d(a, b)) for a, b in zip(indices, exact, strict=True)])
    assert found.mean() / 29 > 0.97
    same = (indices == exact).all(axis=1)
    assert same.any()
    np.testing.assert_array_equal(distances[same], exact_distances[same])


def test_neighbors_are_sorted_distinct_and_never_the_row_itself():
    unit = make_rows(3_000)
    indices, distances = approximate_neighbors(unit, 15)
    assert indices.dtype == np.int32
    assert distances.dtype == np.float32
    assert (indices != np.arange(len(unit))[:, None]).all()
    assert (np.diff(np.sort(indices, axis=1), axis=1) > 0).all()
    assert (np.diff(distances, axis=1) >= 0).all()
    own = 1 - np.einsum("nc,nkc->nk", unit, unit[indices])
    np.testing.assert_allclose(distances, own, atol=1e-5)


@pytest.mark.parametrize(
    "unit",
    [
        np.repeat(np.eye(3, dtype=np.float32), [2_000, 5, 1], axis=0),
        np.ones((2_000, 1), np.float32),
        unit_rows(np.random.default_rng(0).normal(size=(900, 3))),
    ],
    ids=["lists of few rows", "one direction", "few rows"],
)
def test_every_row_has_all_its_neighbors(unit):
    indices, distances = approximate_neighbors(unit, 20)
    assert indices.min() >= 0
    assert (indices != np.arange(len(unit))[:, None]).all()
    assert (np.diff(np.sort(indices, axis=1), axis=1) > 0).all()
    assert np.isfinite(distances).all()
    assert measure_recall(unit, indices) > 0.95


def test_recall_is_the_fraction_of_neighbors_that_are_near_enough():
    unit = make_rows(1_000)
    exact = nearest_neighbors(unit, 10)[0]
    assert measure_recall(unit, exact) == 1
    farthest = nearest_neighbors(unit, 999)[0][:, -5:]
    assert measure_recall(unit, np.hstack([exact[:, :5], farthest])) == pytest.approx(0.5)


def test_hashed_directions_are_the_distinct_ones():
    unit = make_rows(500)
    order = np.random.default_rng(1).integers(0, 500, 2_000)
    first, group = hashed_directions(unit[order])
    wanted_first, wanted_group = distinct_directions(unit[order])
    np.testing.assert_array_equal(first, wanted_first)
    np.testing.assert_array_equal(group, wanted_group)
