# SPDX-License-Identifier: Apache-2.0
"""`AtlasConfig`: accepted values, rejected values and messages."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tensorboard_plugin_atlas import AtlasConfig
from tensorboard_plugin_atlas.atlas import ICON_KIND_CODES
from tensorboard_plugin_atlas.compute.icons.icon_engine import KINDS
from tensorboard_plugin_atlas.config import ICON_KINDS, check_setting, restore_config
from tensorboard_plugin_atlas.errors import ArgumentError


def test_every_kind_of_icon_can_be_rendered_and_logged():
    assert ("none", *KINDS) == ICON_KINDS == ICON_KIND_CODES


@pytest.mark.parametrize("kind", ICON_KINDS)
def test_every_kind_is_accepted(kind):
    assert AtlasConfig(icons=kind).icons == kind


@pytest.mark.parametrize("seconds", [None, 0, 0.5, 3600])
def test_rendering_can_have_a_time_limit(seconds):
    config = AtlasConfig(icon_seconds=seconds)
    assert json.loads(json.dumps(config.as_dict()))["icon_seconds"] == seconds


@pytest.mark.parametrize(
    ("setting", "value", "advice"),
    [
        ("icons", "sketch", "one of 'none', 'examples', 'preview', 'inversion', 'poster'"),
        ("icon_seconds", -1, "None or a number of seconds, at least 0"),
        ("icon_seconds", float("inf"), "None or a number of seconds, at least 0"),
        ("icon_seconds", float("nan"), "None or a number of seconds, at least 0"),
        ("icon_seconds", True, "None or a number of seconds, at least 0"),
        ("icon_seconds", "9", "None or a number of seconds, at least 0"),
        ("icon_steps", 0, "None or a whole number from 1 to 4,096"),
        ("icon_size", 7, "None or a whole number from 8 to 256"),
        ("stability", -0.1, "a number from 0 to 100"),
        ("stability", float("nan"), "a number from 0 to 100"),
        ("min_dist", True, "a number from 0 to 1"),
        ("attribution", 1, "True, False or 'relaxed'"),
        ("attribution_samples", 0, "None or a whole number from 1 to 1,000,000"),
        ("attribution_samples", True, "None or a whole number from 1 to 1,000,000"),
        ("layout", "tsne", "one of 'anchored', 'umap'"),
        ("samples", np.int64(0), "a whole number from 1 to 1,000,000"),
        ("samples", np.float64(50), "a whole number from 1 to 1,000,000"),
        ("samples", np.bool_(1), "a whole number from 1 to 1,000,000"),
        ("samples", True, "a whole number from 1 to 1,000,000"),
        ("samples", torch.ones(2), "a whole number from 1 to 1,000,000"),
    ],
)
def test_values_out_of_range_are_reported(setting, value, advice):
    with pytest.raises(ArgumentError) as caught:
        AtlasConfig(**{setting: value})
    assert str(caught.value) == f"AtlasConfig({setting}={value!r}): pass {advice}"


def test_a_huge_value_is_shortened():
    with pytest.raises(ArgumentError, match="pass a whole number") as caught:
        AtlasConfig(samples="9" * 1_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("number", [np.int64(50), np.uint8(50), torch.tensor(50)])
@pytest.mark.parametrize("setting", ["samples", "neighbors", "icon_size", "icon_steps", "seed"])
def test_integers_of_any_type_become_plain_ints(setting, number):
    config = AtlasConfig(**{setting: number})
    assert config == AtlasConfig(**{setting: 50})
    assert type(getattr(config, setting)) is int
    assert json.loads(json.dumps(config.as_dict()))[setting] == 50


def test_sizes_of_grids_become_plain_ints():
    config = AtlasConfig(grids=tuple(np.array([4, 8])))
    assert config.grids == (4, 8)
    assert {type(size) for size in config.grids} == {int}


def test_messages_name_the_argument():
    assert check_setting("icon_size", np.int64(32), "size") == 32
    with pytest.raises(ArgumentError) as caught:
        check_setting("icon_size", 0, "size")
    assert str(caught.value) == "size=0: pass None or a whole number from 8 to 256"


def test_the_settings_of_a_log_are_restored_with_changes():
    config = AtlasConfig(samples=70, grids=(3, 6), stability=0.5, icons="preview", seed=4)
    logged = json.loads(json.dumps(config.as_dict()))
    assert restore_config(logged) == config
    assert restore_config({**logged, "of_a_later_version": 1}, icons="none").icons == "none"
    assert restore_config({}) == AtlasConfig()
    with pytest.raises(ArgumentError, match="min_count='many'"):
        restore_config({**logged, "min_count": "many"})
