# SPDX-License-Identifier: Apache-2.0
"""Viewports: fit, compression beyond the edges, and the inverse transform."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.compute.layout.viewport import (
    VIEWPORT_CHANGED,
    fit_viewport,
    from_map,
    is_outside,
    place_on_map,
    to_map,
    update_viewport,
)

VIEWPORT = np.array([[-10, -10], [10, 10]], np.float32)


def test_the_viewport_is_a_square_around_the_percentiles_with_a_margin():
    # 101 points: the 1st and 99th percentile are the second and the last but one of each axis.
    line = np.arange(101.0)
    viewport = fit_viewport(np.stack([line, 50 + line / 10], axis=1).astype(np.float32))
    reach = 98 * (0.5 + 0.075)
    np.testing.assert_allclose(viewport, [[50 - reach, 55 - reach], [50 + reach, 55 + reach]])


def test_hand_computed_coordinates_inside_and_beyond():
    # In units of the half side: .5 and .9 are to scale; x beyond .9 becomes .1 x / (x + .1).
    x = np.array([[0, 0], [5, -5], [9, -9], [10, -10], [19, -19]], np.float32)
    expected = np.array([0, 0.5, 0.9, 0.95, 0.9 + 0.1 / 1.1])
    drawn = 2 * to_map(x, VIEWPORT) - 1
    np.testing.assert_allclose(drawn, np.stack([expected, -expected], axis=1), atol=1e-6)


def test_points_do_not_pile_up_at_the_edge():
    out = np.linspace(9, 60, 500)
    xy = to_map(np.stack([out, -out], axis=1).astype(np.float32), VIEWPORT)
    assert (np.diff(xy[:, 0]) > 0).all()
    assert (np.diff(xy[:, 1]) < 0).all()
    far = to_map(np.array([[3e30, -3e30]], np.float32), VIEWPORT)
    assert ((far > 0) & (far < 1)).all()


def test_the_inverse_is_exact_up_to_rounding():
    coordinates = np.random.default_rng(0).normal(scale=6, size=(1000, 2)).astype(np.float32)
    assert is_outside(coordinates, VIEWPORT).any()
    back = from_map(to_map(coordinates, VIEWPORT), VIEWPORT)
    np.testing.assert_allclose(back, coordinates, rtol=1e-4, atol=1e-5)
    inside = ~is_outside(coordinates, VIEWPORT)
    np.testing.assert_allclose(back[inside], coordinates[inside], atol=2e-5)


@pytest.mark.parametrize("xy", [0.0, 1.0])
def test_the_edge_has_an_inverse(xy):
    back = from_map(np.full((1, 2), xy, np.float32), VIEWPORT)
    assert np.isfinite(back).all()
    assert is_outside(back, VIEWPORT).all()


def test_a_viewport_stays_while_the_map_fits():
    coordinates = np.random.default_rng(0).uniform(-5, 5, (600, 2)).astype(np.float32)
    viewport, notes = update_viewport(coordinates, None)
    assert notes == ()
    for factor in (0.5, 0.9, 1.0, 1.15):
        kept, notes = update_viewport(coordinates * np.float32(factor), viewport)
        assert kept is viewport
        assert notes == ()
    for factor in (0.3, 1.5):
        changed, notes = update_viewport(coordinates * np.float32(factor), viewport)
        assert notes == (VIEWPORT_CHANGED,)
        np.testing.assert_allclose(changed, viewport * factor, rtol=1e-5)


def test_a_single_point_has_a_viewport():
    viewport = fit_viewport(np.zeros((4, 2), np.float32))
    np.testing.assert_allclose(to_map(np.zeros((1, 2), np.float32), viewport), [[0.5, 0.5]])


@pytest.mark.parametrize("place", [0, 1, -3e3, 1e7, 1e30])
@pytest.mark.parametrize("apart", [0, 1e-7])
def test_nearly_equal_points_have_a_viewport_anywhere(place, apart):
    coordinates = np.full((40, 2), place, np.float32)
    coordinates[::2] *= np.float32(1 + apart)
    viewport = fit_viewport(coordinates)
    assert (viewport[1] > viewport[0]).all()
    with np.errstate(all="raise"):
        xy = to_map(coordinates, viewport)
    np.testing.assert_allclose(xy, 0.5, atol=1e-2)
    np.testing.assert_allclose(from_map(xy, viewport), coordinates, rtol=1e-5, atol=1e-6)


def test_coordinates_of_many_samples_are_those_that_a_log_holds(monkeypatch):
    coordinates = np.random.default_rng(0).normal(2, 3, (50, 2)).astype(np.float32)
    coordinates[0] = [3e30, -3e30]
    xy, raw = place_on_map(coordinates, VIEWPORT)
    assert raw is coordinates
    np.testing.assert_array_equal(xy, to_map(coordinates, VIEWPORT))
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", 49)
    rounded, raw = place_on_map(coordinates, VIEWPORT)
    np.testing.assert_allclose(rounded, xy, atol=2 / 65_535)
    np.testing.assert_array_equal(raw, from_map(rounded, VIEWPORT))
    assert np.isfinite(raw).all()
    again, same = place_on_map(raw, VIEWPORT)
    assert again.tobytes() == rounded.tobytes()
    assert same.tobytes() == raw.tobytes()
