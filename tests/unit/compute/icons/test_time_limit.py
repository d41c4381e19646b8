# SPDX-License-Identifier: Apache-2.0
"""The time limit of icons, and batches that fit it."""

from __future__ import annotations

import math

import numpy as np

from tensorboard_plugin_atlas.compute.icons.cell_batches import CellBatches, split
from tensorboard_plugin_atlas.compute.icons.time_limit import TimeLimit


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def process(batches, clock, seconds_each):
    """Processes batches; returns their sizes."""
    sizes = []
    for cells, start in batches:
        assert start is None or len(start) == len(cells)
        sizes.append(len(cells))
        clock.now += seconds_each * len(cells)
    return sizes


def make_batches(count, size, limit):
    return CellBatches([(cells, None) for cells in split(np.arange(count), size)], limit)


def test_without_a_limit_all_batches_are_whole():
    clock = Clock()
    limit = TimeLimit(clock=clock)
    batches = make_batches(10, 4, limit)
    assert process(batches, clock, 1000.0) == [4, 4, 2]
    assert not len(batches.get_cells_left())
    assert limit.get_seconds_left() == math.inf
    assert not limit.was_reached


def test_the_first_cell_is_timed_alone_and_the_last_batch_fits():
    clock = Clock()
    limit = TimeLimit(9.5, clock)
    batches = make_batches(20, 4, limit)
    assert process(batches, clock, 1.0) == [1, 3, 4, 1]
    assert clock.now == 109.0
    assert batches.get_cells_left().tolist() == list(range(9, 20))
    assert limit.was_reached


def test_time_before_the_first_batch_counts():
    clock = Clock()
    limit = TimeLimit(3.0, clock)
    clock.now += 3.0
    batches = make_batches(4, 4, limit)
    assert process(batches, clock, 1.0) == []
    assert limit.is_over()
    assert batches.get_cells_left().tolist() == [0, 1, 2, 3]


def test_a_limit_that_is_kept_is_not_reported_as_reached():
    clock = Clock()
    limit = TimeLimit(100.0, clock)
    assert process(make_batches(5, 4, limit), clock, 1.0) == [1, 3, 1]
    assert not limit.was_reached


def test_an_interrupted_batch_stays():
    clock = Clock()
    images = np.arange(6, dtype=np.uint8)
    batches = CellBatches([(np.arange(6), images)], TimeLimit(10.0, clock))
    for cells, start in batches:
        if cells[0] == 1:
            assert start.tolist() == [1, 2, 3, 4, 5]
            break
        clock.now += 1.0
    assert batches.get_cells_left().tolist() == [1, 2, 3, 4, 5]
