# SPDX-License-Identifier: Apache-2.0
"""The stored forms of attribution: which is taken, what it keeps, and what is neither."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas.wire.attribution_quantization import (
    MANY_BYTES,
    count_grids_that_fit,
    count_largest_bytes,
    is_large,
    read_attribution,
    read_spread,
    store_attribution,
    store_spreads,
)


def test_half_precision_keeps_eleven_bits_and_never_overflows():
    values = np.array([[1.0, -0.3330], [1e9, -1e9]], np.float32)
    stored = store_attribution(values, in_bytes=False)
    assert list(stored) == ["attribution"]
    found = read_attribution(stored)
    np.testing.assert_allclose(found[0], values[0], rtol=2**-11)
    assert found[1].tolist() == [65504.0, -65504.0]


def test_bytes_keep_127_steps_of_the_largest_of_each_cell():
    values = np.array([[127.0, -1.4, 0.6], [0.0127, -0.0127, 0.0]], np.float32)
    stored = store_attribution(values, in_bytes=True)
    assert stored["attribution_codes"].tolist() == [[255, 127, 129], [255, 1, 128]]
    np.testing.assert_allclose(stored["attribution_scale"], [1.0, 0.0001], rtol=1e-6)
    np.testing.assert_allclose(read_attribution(stored)[0], [127.0, -1.0, 1.0])


def test_a_cell_of_nothing_is_zero_and_a_broken_one_is_unknown():
    values = np.array([[0, 0], [np.nan, 1], [np.inf, 1]], np.float32)
    found = read_attribution(store_attribution(values, in_bytes=True))
    assert found[0].tolist() == [0, 0]
    assert np.isnan(found[1:]).all()


def test_no_cells_and_no_attribution():
    empty = np.zeros((0, 5), np.float32)
    for in_bytes in (False, True):
        assert read_attribution(store_attribution(empty, in_bytes=in_bytes)).shape == (0, 5)
        assert store_attribution(None, in_bytes=in_bytes) == {}
    assert read_attribution({}) is None


@pytest.mark.parametrize(("cells", "large"), [(524, False), (525, True)])
def test_a_megabyte_is_where_bytes_begin(cells, large):
    assert is_large([np.zeros((cells - 100, 1000)), None, np.zeros((100, 1000))]) == large


@pytest.mark.parametrize(
    "names",
    [("attribution_codes",), ("attribution_scale",), ("attribution", "attribution_scale")],
)
def test_half_a_form_is_refused(names):
    arrays = {
        "attribution": np.zeros((1, 2), np.float16),
        "attribution_codes": np.zeros((1, 2), np.uint8),
        "attribution_scale": np.zeros(1, np.float32),
    }
    with pytest.raises(ValueError, match="two forms, or in half of one"):
        read_attribution({name: arrays[name] for name in names})


def test_spreads_keep_255_steps_of_the_largest_of_each_cell():
    values = np.array([[2.55, 0.014, 0], [0, 0, 0], [np.nan, 1, 1]], np.float32)
    (stored,) = store_spreads([values])
    assert stored["spread_codes"][:2].tolist() == [[255, 1, 0], [0, 0, 0]]
    found = read_spread(stored)
    np.testing.assert_allclose(found[:2], [[2.55, 0.01, 0], [0, 0, 0]], rtol=1e-6)
    assert np.isnan(found[2]).all()


def test_spreads_are_kept_of_as_many_levels_as_fit_in():
    levels = [np.ones((cells, 1000), np.float32) for cells in (100, 400, 25, 800)]
    assert [bool(one) for one in store_spreads([*levels[:2], None])] == [True, True, False]
    assert [bool(one) for one in store_spreads(levels)] == [True, True, False, False]


@pytest.mark.parametrize("name", ["spread_codes", "spread_scale"])
def test_half_a_spread_is_refused(name):
    (stored,) = store_spreads([np.ones((1, 2), np.float32)])
    with pytest.raises(ValueError, match="half of the spread"):
        read_spread({name: stored[name]})
    assert read_spread({}) is None


@pytest.mark.parametrize(
    ("classes", "expected"), [(0, 5), (10, 5), (100, 5), (300, 4), (1000, 3), (10**6, 0)]
)
def test_attribution_of_the_coarsest_grids_fits(classes: int, expected: int) -> None:
    cells = [100, 400, 1600, 6400, 25_600]
    assert count_grids_that_fit(cells, classes) == expected
    assert count_largest_bytes(sum(cells[:expected]), classes) <= MANY_BYTES
