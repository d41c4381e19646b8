# SPDX-License-Identifier: Apache-2.0
"""Icons and attributions that the cells of a new map reuse, with numbers computed by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic_runs import atlas_from_activations

from tensorboard_plugin_atlas.atlas import Atlas, Grid
from tensorboard_plugin_atlas.compute.icons.reused_icons import reuse_icons
from tensorboard_plugin_atlas.compute.layout.grid import GridCells
from tensorboard_plugin_atlas.sprite_sheets import pack, unpack

SIDE = 16
DEGREE = np.pi / 180
# Eight samples around the origin, two in each direction, so that the layer's mean is zero.
ANGLES = np.array([0, 10, 90, 100, 180, 190, 270, 280])
ROWS = np.stack([np.cos(ANGLES * DEGREE), np.sin(ANGLES * DEGREE)], axis=1).astype(np.float32)


def get_directions() -> np.ndarray:
    """The rows as the log stores them, relative to their mean."""
    rows = ROWS.astype(np.float16).astype(np.float64)
    return rows - rows.mean(axis=0)


def make_image(shade: int) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), shade, np.uint8)


def make_grid(
    size: int,
    cell_of: list[int],
    shades: list[int],
    cosine: list[float],
    attribution: list[list[float]] | None = None,
    codes: list[int] | None = None,
) -> Grid:
    cells = len(shades)
    return Grid(
        size=size,
        rows=np.arange(cells, dtype=np.int32),
        cols=np.zeros(cells, np.int32),
        counts=np.bincount([c for c in cell_of if c >= 0], minlength=cells).astype(np.int32),
        cell_of=np.array(cell_of, np.int32),
        kind_codes=np.array(codes or [3] * cells, np.uint8),
        icon_cosine=np.array(cosine, np.float32),
        sheets=pack(np.stack([make_image(shade) for shade in shades])),
        attribution=None if attribution is None else np.array(attribution, np.float32),
    )


def make_cells(size: int, cell_of: list[int], count: int) -> GridCells:
    owners = np.array(cell_of, np.int32)
    rows = ROWS.astype(np.float16).astype(np.float32)
    means = [rows[owners == i].mean(axis=0) for i in range(count)]
    return GridCells(
        size=size,
        rows=np.arange(count, dtype=np.int32),
        cols=np.zeros(count, np.int32),
        counts=np.bincount(owners[owners >= 0], minlength=count).astype(np.int32),
        cell_of=owners,
        means=np.array(means, np.float32).reshape(count, 2),
    )


def make_atlas(*grids: Grid) -> Atlas:
    return atlas_from_activations(ROWS).replace(grids=grids)


def measure_angle(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


def get_shade(grid: Grid, cell: int) -> int:
    assert grid.icons is not None
    return round(float(grid.icons[cell].mean()))


class TestIcons:
    def test_the_icon_with_the_largest_bound_is_used(self) -> None:
        coarse = make_grid(2, [0, 0, 0, 0, 1, 1, 1, 1], [40, 80], [0.99, 0.5])
        fine = make_grid(4, [0, 0, 1, 1, 2, 2, 3, 3], [120, 160, 200, 240], [0.2, 0.9, 0.9, -0.3])
        new = make_cells(4, [0, 1, 2, 2, 3, 3, -1, -1], 4)
        ((grid,), notes) = reuse_icons(make_atlas(coarse, fine), [new])
        rows = get_directions()
        # Sample 0 alone: the icon of its fine cell is bad, and the coarse one is at 50 degrees.
        wide = measure_angle(rows[0], rows[:4].mean(axis=0))
        assert wide / DEGREE == pytest.approx(50, abs=3)
        assert get_shade(grid, 0) == 40
        assert grid.icon_cosine[0] == pytest.approx(np.cos(np.arccos(0.99) + wide), abs=1e-3)
        # Samples 2 and 3 are the members of the second fine cell: the angle is 0.
        assert get_shade(grid, 2) == 160
        assert grid.icon_cosine[2] == pytest.approx(0.9, abs=1e-3)
        assert get_shade(grid, 3) == 200
        assert any("reused from the original map" in note for note in notes)
        assert any("WebP quality 95" in note for note in notes)

    def test_a_bound_is_never_below_minus_one(self) -> None:
        old = make_grid(1, [0, 0, -1, -1, -1, -1, -1, -1], [40], [-0.9])
        new = make_cells(1, [-1, -1, -1, -1, 0, 0, -1, -1], 1)
        ((grid,), _) = reuse_icons(make_atlas(old), [new])
        assert grid.icon_cosine[0] == -1

    def test_a_cosine_above_one_is_clipped(self) -> None:
        old = make_grid(1, [0, 0, -1, -1, -1, -1, -1, -1], [40], [1.001])
        new = make_cells(1, [0, 0, -1, -1, -1, -1, -1, -1], 1)
        ((grid,), _) = reuse_icons(make_atlas(old), [new])
        assert grid.icon_cosine[0] == pytest.approx(1, abs=1e-5)

    def test_an_icon_without_a_cosine_is_used_last(self) -> None:
        members = [0, 0, 1, 1, -1, -1, -1, -1]
        new = make_cells(1, [0, 0, -1, -1, -1, -1, -1, -1], 1)
        scored = make_grid(2, members, [40, 80], [np.nan, 0.5])
        ((grid,), _) = reuse_icons(make_atlas(scored), [new])
        assert get_shade(grid, 0) == 80
        unscored = make_grid(2, members, [80, 40], [np.nan, np.nan])
        ((grid,), _) = reuse_icons(make_atlas(unscored), [new])
        assert get_shade(grid, 0) == 80
        assert np.isnan(grid.icon_cosine[0])

    def test_a_cell_at_the_mean_of_the_layer_has_no_cosine(self) -> None:
        old = make_grid(1, [0, 0, -1, -1, -1, -1, -1, -1], [40], [0.9])
        everything = make_cells(1, [0] * 8, 1)
        center = ROWS.astype(np.float16).astype(np.float32).mean(axis=0, dtype=np.float64)
        middle = dataclasses.replace(everything, means=center[None].astype(np.float64))
        ((grid,), _) = reuse_icons(make_atlas(old), [middle])
        assert np.isnan(grid.icon_cosine[0])

    def test_icons_keep_their_kinds_and_cells_without_icons_are_skipped(self) -> None:
        old = make_grid(
            2, [0, 0, 1, 1, 2, 2, 3, 3], [40, 80, 120, 160], [0.9] * 4, codes=[0, 1, 3, 4]
        )
        new = make_cells(2, [0, 0, 1, 1, 2, 2, 3, 3], 4)
        ((grid,), _) = reuse_icons(make_atlas(old), [new])
        assert grid.icon_kind.tolist()[1:] == ["examples", "inversion", "poster"]
        assert grid.icon_kind[0] != "none"

    def test_a_grid_without_cells_stays_empty(self) -> None:
        old = make_grid(1, [0] * 8, [40], [0.9])
        grids, _ = reuse_icons(
            make_atlas(old), [make_cells(1, [0] * 8, 1), make_cells(9, [-1] * 8, 0)]
        )
        assert [len(grid.rows) for grid in grids] == [1, 0]
        assert grids[1].sheets is not None
        assert grids[1].sheets.count == 0

    def test_icons_of_another_size_are_ignored(self) -> None:
        fine = make_grid(2, [0, 0, 1, 1, -1, -1, -1, -1], [40, 80], [0.9, 0.9])
        large = dataclasses.replace(
            make_grid(1, [0] * 8, [200], [0.99]), sheets=pack(np.zeros((1, 8, 8, 3), np.uint8))
        )
        other = make_grid(4, [-1, -1, -1, -1, 0, 0, -1, -1], [120], [0.9])
        new = make_cells(1, [0] * 4 + [-1] * 4, 1)
        ((grid,), _) = reuse_icons(make_atlas(large, fine, other), [new])
        assert grid.sheets is not None
        assert grid.sheets.tile == SIDE

    def test_an_atlas_without_icons_has_none_to_reuse(self) -> None:
        empty = dataclasses.replace(
            make_grid(1, [0] * 8, [40], [np.nan], codes=None),
            sheets=None,
            kind_codes=np.zeros(1, np.uint8),
        )
        ((grid,), notes) = reuse_icons(make_atlas(empty), [make_cells(1, [0] * 8, 1)])
        assert grid.sheets is None
        assert grid.icon_kind.tolist() == ["none"]
        assert notes == ()

    def test_encoding_again_hardly_changes_the_icons(self) -> None:
        waves = np.arange(SIDE) * np.arange(1, 5)[:, None] / SIDE * np.pi
        shade = 128 + 60 * np.sin(waves)[:, :, None] * np.cos(waves)[:, None]
        sheets = pack(np.stack([shade, 0.5 * shade, 255 - shade], axis=-1).astype(np.uint8))
        old = dataclasses.replace(
            make_grid(2, [0, 0, 1, 1, 2, 2, 3, 3], [0] * 4, [0.9] * 4), sheets=sheets
        )
        ((grid,), _) = reuse_icons(make_atlas(old), [make_cells(2, [3, 3, 2, 2, 1, 1, 0, 0], 4)])
        assert old.icons is not None
        assert grid.icons is not None
        change = grid.icons[::-1].astype(float) - old.icons
        at_default = unpack(pack(old.icons[::-1]))[::-1].astype(float) - old.icons
        assert np.sqrt((change**2).mean()) < 0.9 * np.sqrt((at_default**2).mean()) < 8


class TestAttribution:
    def test_the_attribution_of_the_smallest_cell_is_used(self) -> None:
        coarse = make_grid(1, [0] * 8, [40], [0.9], [[10.0, 20.0]])
        fine = make_grid(2, [0, 0, 0, 1, 1, -1, -1, -1], [80, 120], [0.9] * 2, [[1, 2], [3, 4]])
        new = make_cells(2, [0, 0, 1, 1, 2, 2, -1, -1], 3)
        ((grid,), notes) = reuse_icons(make_atlas(coarse, fine), [new])
        assert grid.attribution is not None
        np.testing.assert_allclose(grid.attribution, [[1, 2], [2, 3], [6.5, 12]])
        assert any(note.startswith("attribution: each cell has the mean") for note in notes)

    def test_a_cell_with_too_few_known_samples_has_no_attribution(self) -> None:
        fine = make_grid(2, [0, -1, -1, 1, -1, -1, -1, -1], [80, 120], [0.9] * 2, [[1], [3]])
        new = make_cells(2, [0, 0, 0, 1, 1, -1, -1, -1], 2)
        ((grid,), _) = reuse_icons(make_atlas(fine), [new])
        assert grid.attribution is not None
        np.testing.assert_array_equal(grid.attribution, [[np.nan], [3]])

    def test_an_old_cell_with_nan_is_skipped(self) -> None:
        coarse = make_grid(1, [0] * 8, [40], [0.9], [[10.0]])
        fine = make_grid(2, [0, 0, 1, 1, -1, -1, -1, -1], [8, 9], [0.9] * 2, [[np.nan], [3]])
        ((grid,), _) = reuse_icons(
            make_atlas(coarse, fine), [make_cells(2, [0, 0, 1, 1, -1, -1, -1, -1], 2)]
        )
        assert grid.attribution is not None
        np.testing.assert_array_equal(grid.attribution, [[10], [3]])

    def test_an_atlas_without_attribution_has_none_to_reuse(self) -> None:
        ((grid,), notes) = reuse_icons(
            make_atlas(make_grid(1, [0] * 8, [40], [0.9])), [make_cells(1, [0] * 8, 1)]
        )
        assert grid.attribution is None
        assert not any(note.startswith("attribution") for note in notes)
