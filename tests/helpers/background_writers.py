# SPDX-License-Identifier: Apache-2.0
"""Writers with a worker process, and what they leave in the log."""

from __future__ import annotations

import gc

import pytest
from tiny_training import (
    TINY,
    Net,
    images,
    workers_of,
)

from tensorboard_plugin_atlas import AtlasWriter, read_atlases

MADE = []


@pytest.fixture(autouse=True)
def end_all():
    """Ends what a test leaves running."""
    yield
    while MADE:
        MADE.pop().close(0)
    gc.collect()
    assert workers_of() == []


def make(target, model=None, layers=("body",), **more):
    settings = {"probe": images(), "config": TINY, **more}
    atlas = AtlasWriter(target, Net() if model is None else model, layers, **settings)
    MADE.append(atlas)
    return atlas


def steps_in(directory):
    return [(atlas.step, atlas.skipped) for atlas in read_atlases(directory, layer="body")]
