# SPDX-License-Identifier: Apache-2.0
"""Writers with a worker process, closed after each test."""

from __future__ import annotations

import gc

import pytest
from tiny_training import (
    TINY,
    Net,
    find_workers,
    make_images,
)

from tensorboard_plugin_atlas import AtlasWriter, read_atlases
from tensorboard_plugin_atlas.logs.reader import list_atlases

OPEN_WRITERS = []


@pytest.fixture(autouse=True)
def close_all():
    """Closes the writers that a test left open."""
    yield
    while OPEN_WRITERS:
        OPEN_WRITERS.pop().close(0)
    gc.collect()
    assert find_workers() == []


def make_writer(target, model=None, layers=("body",), **more):
    settings = {"probe": make_images(), "config": TINY, **more}
    atlas = AtlasWriter(target, Net() if model is None else model, layers, **settings)
    OPEN_WRITERS.append(atlas)
    return atlas


def read_steps(directory):
    return [(atlas.step, atlas.skipped) for atlas in read_atlases(directory, layer="body")]


def read_valid_steps(directory):
    """Returns the steps in a log; fails if one of them is damaged."""
    assert all(entry.status == "ok" for entry in list_atlases(directory))
    return [atlas.step for atlas in read_atlases(directory) if atlas.activations.any()]
