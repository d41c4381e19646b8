# SPDX-License-Identifier: Apache-2.0
"""Binning: properties of any map, and hand-computed grids."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tensorboard_plugin_atlas.compute.layout.grid import bin_grids, bin_samples, nearest_members
from tensorboard_plugin_atlas.compute.layout.layout import Layout
from tensorboard_plugin_atlas.config import AtlasConfig


def layout_at(xy, invalid=None):
    xy = np.asarray(xy, np.float32)
    n = len(xy)
    return Layout(
        xy=xy,
        raw=xy,
        viewport=np.array([[0, 0], [1, 1]], np.float32),
        clamped=np.zeros(n, np.bool_),
        invalid=np.zeros(n, np.bool_) if invalid is None else np.asarray(invalid, np.bool_),
        neighbors=np.empty((n, 0), np.int32),
    )


@st.composite
def maps(draw):
    n = draw(st.integers(1, 40))
    unit = st.floats(0, 1, width=32)
    edge = st.sampled_from([0.0, 0.25, 0.5, 1.0])
    xy = draw(hnp.arrays(np.float32, (n, 2), elements=unit | edge))
    invalid = draw(hnp.arrays(np.bool_, n))
    rows = draw(hnp.arrays(np.float32, (n, 3), elements=st.floats(-8, 8, width=16)))
    rows[invalid] = np.nan
    return layout_at(xy, invalid), rows


@settings(max_examples=150, deadline=None)
@given(maps(), st.integers(1, 12), st.integers(1, 4))
def test_cells_are_a_partition_of_the_valid_samples(drawn, size, min_count):
    layout, rows = drawn
    cells = bin_samples(layout, rows, size=size, min_count=min_count)
    x, y = layout.xy.astype(np.float64).T
    for i in range(len(cells)):
        row, col = cells.rows[i], cells.cols[i]
        right = (x < (col + 1) / size) | (col == size - 1)
        below = (y < (row + 1) / size) | (row == size - 1)
        inside = (x >= col / size) & right & (y >= row / size) & below & ~layout.invalid
        np.testing.assert_array_equal(cells.cell_of == i, inside)
        assert cells.counts[i] == inside.sum() >= min_count
        np.testing.assert_allclose(cells.means[i], rows[inside].mean(axis=0), atol=1e-5)
    everything = bin_samples(layout, rows, size=size, min_count=1)
    assert everything.counts.sum() == (~layout.invalid).sum()
    assert (cells.cell_of[layout.invalid] == -1).all()
    assert len(cells) == (everything.counts >= min_count).sum()


@settings(max_examples=80, deadline=None)
@given(maps(), st.integers(1, 12), st.randoms(use_true_random=False))
def test_the_order_of_the_samples_does_not_matter(drawn, size, random):
    layout, rows = drawn
    order = np.array(random.sample(range(len(rows)), len(rows)))
    shuffled = layout_at(layout.xy[order], layout.invalid[order])
    one = bin_samples(layout, rows, size=size, min_count=2)
    two = bin_samples(shuffled, rows[order], size=size, min_count=2)
    np.testing.assert_array_equal(one.cell_of[order], two.cell_of)
    np.testing.assert_array_equal(one.counts, two.counts)
    np.testing.assert_allclose(one.means, two.means, atol=1e-5)


@settings(max_examples=80, deadline=None)
@given(maps(), st.integers(1, 12))
def test_a_grid_of_twice_the_size_is_nested(drawn, size):
    layout, rows = drawn
    coarse = bin_samples(layout, rows, size=size, min_count=1)
    fine = bin_samples(layout, rows, size=2 * size, min_count=1)
    valid = ~layout.invalid
    np.testing.assert_array_equal(
        fine.rows[fine.cell_of[valid]] // 2, coarse.rows[coarse.cell_of[valid]]
    )
    np.testing.assert_array_equal(
        fine.cols[fine.cell_of[valid]] // 2, coarse.cols[coarse.cell_of[valid]]
    )


def test_a_hand_computed_grid():
    xy = [[0, 0], [0.5, 0], [0.49, 0.49], [1, 1], [0.5, 0.5], [1, 0.4], [0.1, 0.9], [0.2, 0.2]]
    rows = np.arange(8, dtype=np.float16)[:, None]
    rows[7] = np.inf
    invalid = np.arange(8) == 7
    cells = bin_samples(layout_at(xy, invalid), rows, size=2, min_count=2)
    assert cells.rows.tolist() == [0, 0, 1]
    assert cells.cols.tolist() == [0, 1, 1]
    assert cells.counts.tolist() == [2, 2, 2]
    assert cells.cell_of.tolist() == [0, 1, 0, 2, 2, 1, -1, -1]
    assert cells.means.tolist() == [[1.0], [3.0], [3.5]]
    assert cells.means.dtype == np.float32
    assert {a.dtype for a in (cells.rows, cells.cols, cells.counts, cells.cell_of)} == {
        np.dtype(np.int32)
    }


def test_means_do_not_overflow():
    rows = np.full((50, 2), 60_000, np.float16)
    cells = bin_samples(layout_at(np.zeros((50, 2))), rows, size=1, min_count=1)
    assert cells.means.tolist() == [[60_000, 60_000]]


def test_grids_without_a_full_cell_are_empty():
    xy = [[0.1, 0.1], [0.12, 0.1], [0.14, 0.1], [0.4, 0.1]]
    config = AtlasConfig(grids=(2, 10), min_count=4)
    grids, notes = bin_grids(layout_at(xy), np.ones((4, 2)), config=config)
    assert [len(level) for level in grids] == [1, 0]
    assert grids[1].means.shape == (0, 2)
    assert (grids[1].cell_of == -1).all()
    assert notes == ()


def test_a_small_probe_has_cells_in_the_coarsest_grid():
    config = AtlasConfig(grids=(2, 10), min_count=4)
    grids, notes = bin_grids(layout_at([[0.1, 0.1], [0.9, 0.1]]), np.eye(2), config=config)
    assert [level.counts.tolist() for level in grids] == [[1, 1], []]
    assert len(notes) == 1
    assert "2 x 2 grid" in notes[0]


@pytest.fixture
def one_cell():
    # The layer's mean is (0, 2, 5), so that seen from it the first five point at 90, 45, 60, 90 and
    # 135 degrees, and their mean at about 84.
    degrees = np.deg2rad([90, 45, 60, 90, 135])
    spokes = np.stack([np.cos(degrees), np.sin(degrees), np.zeros(5)], axis=1)
    rows = np.vstack([spokes, -spokes]) + np.array([0, 2, 5])
    xy = [[0.2, 0.2]] * 5 + [[0.8, 0.8]] * 5
    return bin_samples(layout_at(xy), rows, size=2, min_count=1), rows


def test_the_nearest_members_come_first(one_cell):
    cells, rows = one_cell
    assert nearest_members(cells, rows, 4).tolist()[0] == [0, 3, 2, 1]
    chosen = nearest_members(cells, rows, 7)
    assert chosen.shape == (2, 7)
    assert chosen.dtype == np.int32
    assert chosen[0].tolist() == [0, 3, 2, 1, 4, -1, -1]
    assert chosen[1].tolist() == [5, 8, 7, 6, 9, -1, -1]


def test_distinct_images_come_before_duplicates(one_cell):
    cells, rows = one_cell
    images = np.array([7, 7, 7, 3, 5, 0, 1, 2, 3, 4])
    chosen = nearest_members(cells, rows, 5, distinct=images)
    assert chosen[0].tolist() == [0, 3, 4, 2, 1]


def test_invalid_samples_are_not_members(one_cell):
    cells, rows = one_cell
    broken = np.vstack([rows, [[np.nan] * 3]])
    cells = bin_samples(
        layout_at(np.vstack([np.full((10, 2), 0.2), [[0.2, 0.2]]]), np.arange(11) == 10),
        broken,
        size=1,
        min_count=1,
    )
    assert 10 not in nearest_members(cells, broken, 11)


def test_no_cells_have_no_members():
    rows = np.ones((2, 3))
    cells = bin_samples(layout_at(np.zeros((2, 2))), rows, size=2, min_count=5)
    assert nearest_members(cells, rows, 3).shape == (0, 3)
