# SPDX-License-Identifier: Apache-2.0
"""Predecessors of cells, with known directions."""

from __future__ import annotations

import numpy as np

from tensorboard_plugin_atlas.compute.layout.cell_matching import find_predecessors
from tensorboard_plugin_atlas.compute.layout.grid import GridCells

# Twelve samples in three groups of four that lie 120 degrees apart, so that their mean is zero.
ANGLES = np.repeat(np.radians([0, 120, 240]), 4)
NOW = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1).astype(np.float32)


def cells(*members: list[int], activations: np.ndarray = NOW) -> GridCells:
    cell_of = np.full(len(activations), -1, np.int32)
    for cell, inside in enumerate(members):
        cell_of[inside] = cell
    count = len(members)
    return GridCells(
        size=count + 1,
        rows=np.zeros(count, np.int32),
        cols=np.arange(count, dtype=np.int32),
        counts=np.array([len(inside) for inside in members], np.int32),
        cell_of=cell_of,
        means=np.array([activations[inside].mean(0) for inside in members]).reshape(count, 2),
    )


def test_the_predecessor_has_the_most_similar_current_mean():
    before = cells([0, 1], [4, 5], [8, 9])
    # Not one sample stayed, and the order is another.
    assert find_predecessors(cells([10, 11], [2, 3], [6]), before, NOW).tolist() == [2, 0, 1]


def test_a_mixture_continues_its_larger_part_if_it_is_similar_enough():
    before = cells([0, 1, 2, 3], [4, 5, 6, 7])
    # (2, 0) + (-.5, .87) and its cosine to (1, 0): 1.5 / root 3 = .866.
    mixed = cells([0, 1, 4])
    assert find_predecessors(mixed, before, NOW, 0.85).tolist() == [0]
    assert find_predecessors(mixed, before, NOW, 0.88).tolist() == [-1]


def test_both_halves_of_a_cell_continue_it():
    assert find_predecessors(cells([0, 1], [2, 3]), cells([0, 1, 2, 3]), NOW).tolist() == [0, 0]


def test_invalid_samples_are_ignored():
    broken = NOW.copy()
    broken[0] = np.nan
    before = cells([0, 1], [4, 5])
    assert find_predecessors(cells([2, 3]), before, broken, 0.5).tolist() == [0]


def test_without_cells_or_with_other_samples_there_is_no_predecessor():
    now = cells([0, 1], [4, 5])
    assert find_predecessors(now, cells(), NOW).tolist() == [-1, -1]
    assert find_predecessors(now, cells([0, 1], activations=NOW[:9]), NOW).tolist() == [-1, -1]
    assert find_predecessors(cells(), now, NOW).tolist() == []
