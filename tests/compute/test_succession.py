# SPDX-License-Identifier: Apache-2.0
"""Cells that continue earlier ones, counted by hand."""

from __future__ import annotations

import numpy as np

from tensorboard_plugin_atlas.compute.grid import Cells
from tensorboard_plugin_atlas.compute.succession import predecessors


def cells(*members: list[int], samples: int = 12) -> Cells:
    cell_of = np.full(samples, -1, np.int32)
    for cell, inside in enumerate(members):
        cell_of[inside] = cell
    count = len(members)
    return Cells(
        size=count + 1,
        rows=np.zeros(count, np.int32),
        cols=np.arange(count, dtype=np.int32),
        counts=np.array([len(inside) for inside in members], np.int32),
        cell_of=cell_of,
        means=np.zeros((count, 2), np.float32),
    )


def test_a_cell_continues_the_one_that_shares_most_with_it():
    before = cells([0, 1, 2, 3], [4, 5, 6], [7, 8])
    now = cells([7, 8, 9], [4, 5, 3], [0, 1, 2])
    # 2 of 3, 2 of 4, 3 of 4 samples in either are in both.
    assert predecessors(now, before).tolist() == [2, 1, 0]
    assert predecessors(now, before, 0.6).tolist() == [2, -1, 0]
    assert predecessors(now, before, 0.7).tolist() == [-1, -1, 0]


def test_halves_of_a_cell_both_continue_it():
    before = cells([0, 1, 2, 3], [4, 5])
    assert predecessors(cells([0, 1], [2, 3]), before).tolist() == [0, 0]


def test_a_cell_of_samples_that_were_nowhere_is_new():
    assert predecessors(cells([9, 10]), cells([0, 1])).tolist() == [-1]


def test_without_cells_or_with_other_samples_all_are_new():
    now = cells([0, 1], [2, 3])
    assert predecessors(now, cells()).tolist() == [-1, -1]
    assert predecessors(now, cells([0, 1], samples=13)).tolist() == [-1, -1]
    assert predecessors(cells(), now).tolist() == []
