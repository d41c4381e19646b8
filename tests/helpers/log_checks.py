# SPDX-License-Identifier: Apache-2.0
"""Checks of logs that are read back."""

from __future__ import annotations

from tensorboard_plugin_atlas import read_atlases
from tensorboard_plugin_atlas.logs.reader import list_atlases


def read_valid_steps(directory):
    """Returns the steps in a log; fails if one of them is damaged."""
    assert all(entry.status == "ok" for entry in list_atlases(directory))
    return [atlas.step for atlas in read_atlases(directory) if atlas.activations.any()]
