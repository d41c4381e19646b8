# SPDX-License-Identifier: Apache-2.0
"""Icons of a grid that several ranks rendered are those that one process would have rendered."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tensorboard_plugin_atlas.compute.icons.grid_icons import GridIcons, UnfinishedIcons
from tensorboard_plugin_atlas.compute.icons.targets import Targets

CELLS, SIDE = 10, 2
BATCHES = [np.array(cells) for cells in ([0, 2], [3, 4], [5, 6], [7, 8], [9])]
"""All cells but 1, which has no direction."""


def make_grid() -> GridIcons:
    directions = torch.arange(1.0, CELLS + 1)[:, None].repeat(1, 3)
    targets = Targets(
        directions=directions,
        center=directions[1],
        rows=torch.zeros(CELLS, 1, dtype=torch.int64),
        centers=torch.zeros(CELLS, 1, 2),
        keys=np.arange(CELLS),
    )
    unfinished = UnfinishedIcons(
        np.zeros((CELLS, 3, SIDE, SIDE), np.uint8), np.zeros(CELLS, np.bool_)
    )
    grid = GridIcons(targets, SIDE, unfinished)
    grid.set_batches([(cells, None) for cells in BATCHES])
    return grid


def render(grid: GridIcons, batches: list[int], *, fails_in: int | None = None) -> None:
    """Renders batches, in which cell 4 has no gradient, until one fails."""
    assert grid.unfinished is not None
    for number in batches:
        if number == fails_in:
            grid.failed_batch, grid.failure = number, f"batch {number} failed"
            return
        cells = BATCHES[number]
        grid.images[cells] = grid.unfinished.images[cells] = cells[:, None, None, None] + 1
        grid.cosine[cells], grid.kinds[cells] = 0.5, "preview"
        grid.is_done[cells] = True
        grid.unfinished.is_known[cells] = cells != 4


def merge(ranks: list[GridIcons]) -> list[GridIcons]:
    """Returns the grids of all ranks after they exchanged their icons."""
    parts = [grid.get_part(grid.is_done) for grid in ranks]
    for grid in ranks:
        for part in parts:
            grid.insert(part, "preview")
        grid.discard_after_failure()
    return ranks


@pytest.mark.parametrize("fails_in", [None, 0, 1, 2, 3, 4])
def test_icons_of_ranks_are_those_of_one_process(fails_in: int | None) -> None:
    alone, ranks = make_grid(), [make_grid(), make_grid()]
    render(alone, [0, 1, 2, 3, 4], fails_in=fails_in)
    for rank, grid in enumerate(ranks):
        render(grid, [0, 1, 2, 3, 4][rank::2], fails_in=fails_in)
    for grid in merge(ranks):
        assert grid.unfinished is not None
        assert alone.unfinished is not None
        assert grid.find_real().tolist() == alone.find_real().tolist()
        assert grid.describe() == alone.describe()
        assert np.array_equal(grid.unfinished.images, alone.unfinished.images)
        assert np.array_equal(grid.unfinished.is_known, alone.unfinished.is_known)
        assert np.array_equal(grid.images[alone.is_done], alone.images[alone.is_done])
        assert np.array_equal(grid.is_done, alone.is_done)


def test_the_first_of_two_failures_counts() -> None:
    ranks = [make_grid(), make_grid()]
    render(ranks[0], [0, 2, 4], fails_in=4)
    render(ranks[1], [1, 3], fails_in=3)
    for grid in merge(ranks):
        assert grid.failure == "batch 3 failed"
        assert grid.find_real().tolist() == [1, 4, 7, 8, 9]


def test_real_patches_leave_optimized_icons_alone() -> None:
    grid, other = make_grid(), make_grid()
    render(grid, [0, 1, 2, 3, 4])
    other.images[1] = 200
    grid.insert(other.get_part(np.array([1]), with_unfinished=False), "examples")
    assert grid.images[1].max() == 200
    assert grid.kinds[[0, 1]].tolist() == ["preview", "examples"]
    assert not grid.is_done[1]
    assert grid.describe()[0].startswith("icons: 1 of 10 cells keep the nearest real patch: their")


def test_without_a_plan_all_cells_keep_the_real_patch() -> None:
    grid = make_grid()
    grid.is_planned, grid.failure = False, "no gradient"
    assert grid.find_real().tolist() == list(range(CELLS))
    assert grid.describe() == ("no gradient",)
