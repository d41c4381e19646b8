# SPDX-License-Identifier: Apache-2.0
"""Cells of samples are derived from map coordinates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.wire.derived_cells import (
    bin_positions,
    derive_cells,
    remove_derived_cells,
)


def make_arrays(xy, size, min_count=1, left_out=()):
    index = bin_positions(xy, size)
    flat, group, counts = np.unique(index, return_inverse=True, return_counts=True)
    kept = counts >= min_count
    cell_of = np.where(kept, np.cumsum(kept) - 1, -1)[group].astype(np.int32)
    cell_of[list(left_out)] = -1
    return {
        f"grid{size}.rows": (flat[kept] // size).astype(np.int32),
        f"grid{size}.cols": (flat[kept] % size).astype(np.int32),
        f"grid{size}.cell_of": cell_of,
    }


def test_the_last_cell_includes_its_far_edge():
    xy = np.array([[0, 0], [1, 1], [0.5, 0], [np.nextafter(np.float32(0.5), 0), 0.25]], np.float32)
    assert bin_positions(xy, 2).tolist() == [0, 3, 1, 0]
    assert bin_positions(xy, 4).tolist() == [0, 15, 2, 4 + 1]


@given(
    st.integers(1, 60),
    st.lists(st.integers(1, 40), min_size=1, max_size=3, unique=True),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_cells_are_derived_exactly(count, sizes, min_count, seed):
    random = np.random.default_rng(seed)
    xy = random.random((count, 2), np.float32)
    left_out = np.flatnonzero(random.random(count) < 0.2)
    arrays = {"xy": xy}
    for size in sizes:
        arrays |= make_arrays(xy, size, min_count, left_out)
    stored = remove_derived_cells(arrays, sizes)
    assert not any(name.endswith("cell_of") for name in stored)
    restored = derive_cells(stored, sizes)
    assert restored.keys() == arrays.keys()
    for name, array in arrays.items():
        assert restored[name].dtype == array.dtype
        np.testing.assert_array_equal(restored[name], array)


def test_cells_that_do_not_follow_from_coordinates_are_kept():
    xy = np.array([[0.1, 0.1], [0.9, 0.9], [0.8, 0.9]], np.float32)
    arrays = {"xy": xy, **make_arrays(xy, 2), **make_arrays(xy, 3)}
    arrays["grid2.cell_of"] = np.array([1, 0, 0], np.int32)
    stored = remove_derived_cells(arrays, [2, 3])
    assert "grid3.cell_of" not in stored
    np.testing.assert_array_equal(
        derive_cells(stored, [2, 3])["grid2.cell_of"], arrays["grid2.cell_of"]
    )


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("grid2.rows", 2, "grid 2: a row outside 0 to 1"),
        ("grid2.rows", -1, "grid 2: a row outside 0 to 1"),
        ("grid2.cols", 2**31 - 1, "grid 2: a column outside 0 to 1"),
        ("xy", np.nan, "xy: a position outside 0 to 1"),
        ("xy", 1.5, "xy: a position outside 0 to 1"),
    ],
)
def test_values_out_of_range_are_damage(name, value, reason):
    xy = np.array([[0.1, 0.1], [0.9, 0.9]], np.float32)
    stored = remove_derived_cells({"xy": xy, **make_arrays(xy, 2)}, [2])
    stored[name] = stored[name].copy()
    stored[name].flat[0] = value
    with pytest.raises(DamageError, match=reason):
        derive_cells(stored, [2])
