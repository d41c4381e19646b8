# SPDX-License-Identifier: Apache-2.0
"""Tags: every layer's name survives, and none holds what TensorBoard's data server fails at."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorboard_plugin_atlas.metadata import layer_of_tag, layer_tag


@pytest.mark.parametrize(
    ("layer", "tag"),
    [
        ("layer3.1", "layer/layer3.1"),
        ("", "layer/"),
        ('a"b\\c', "layer/a%22b%5cc"),
        ("100%\0", "layer/100%25%00"),
        ("%41", "layer/%2541"),
    ],
)
def test_a_layer_has_one_tag(layer: str, tag: str) -> None:
    assert layer_tag(layer) == tag
    assert layer_of_tag(tag) == layer


@given(st.text())
def test_every_name_comes_back_and_needs_no_escape_in_json(layer: str) -> None:
    tag = layer_tag(layer)
    assert layer_of_tag(tag) == layer
    assert json.dumps(tag, ensure_ascii=False) == f'"{tag}"'


@pytest.mark.parametrize("tag", ["probe", "layer", "Layer/a", "loss"])
def test_other_tags_are_no_layers(tag: str) -> None:
    assert layer_of_tag(tag) is None
