# SPDX-License-Identifier: Apache-2.0
"""Comparison of computed activations with those that a log holds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from large_atlases import MAP_SIDE, make_large_atlas

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.compute.icons.rerendered_icons import compare_activations
from tensorboard_plugin_atlas.compute.model.activations import LayerActivations
from tensorboard_plugin_atlas.errors import ArgumentError


@pytest.fixture
def pair(monkeypatch):
    """An atlas whose log holds the activations of 100 of 300 samples, and equal activations."""
    atlas = make_large_atlas(300, grids=(3,))
    values = atlas.activations.astype(np.float32)
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", 100)
    activations = LayerActivations(
        layer="layer3",
        values=values,
        positions=atlas.positions,
        map_size=(MAP_SIDE, MAP_SIDE),
        kind="map",
    )
    return make_large_atlas(300, grids=(3,)), activations


def test_the_stored_samples_are_compared(pair):
    atlas, activations = pair
    assert np.isfinite(atlas.activations).all(axis=1).sum() == 100
    match = compare_activations(atlas, activations)
    assert match.median == pytest.approx(1, abs=1e-3)
    other = dataclasses.replace(activations, values=-activations.values)
    assert compare_activations(atlas, other).median == pytest.approx(-1, abs=0.05)


def test_another_layer_is_refused(pair):
    atlas, activations = pair
    wide = dataclasses.replace(activations, values=np.zeros((300, 17), np.float32))
    with pytest.raises(ArgumentError, match="has 17 channels on a map of 14x14, the atlas 16"):
        compare_activations(atlas, wide)
