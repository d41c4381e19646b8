# SPDX-License-Identifier: Apache-2.0
"""`repr` of value types: one short line."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas import compare_atlases
from tensorboard_plugin_atlas.short_repr import short_repr


@short_repr
@dataclasses.dataclass
class Value:
    value: object
    hidden: int = dataclasses.field(default=0, repr=False)


def show(value: object) -> str:
    return repr(Value(value)).removeprefix("Value(value=").removesuffix(")")


def test_arrays_are_shapes() -> None:
    assert show(np.zeros((2000, 2), np.float32)) == "<float32 (2_000, 2)>"
    assert show(torch.zeros(3, 4)) == "<float32 (3, 4)>"
    assert show((np.zeros(3, np.int32), None)) == "(<int32 (3)>, None)"


def test_collections_are_listed_up_to_four_items() -> None:
    assert show((1, "a")) == "(1, 'a')"
    assert show((1,)) == "(1,)"
    assert show([1, 2, 3, 4]) == "[1, 2, 3, 4]"
    assert show({"a": 1}) == "{'a': 1}"
    assert show({7}) == "{7}"
    assert show(range(3)) == "range(0, 3)"
    assert show(tuple(range(5))) == "<5 items>"
    assert show(dict.fromkeys(range(9))) == "<9 items>"


def test_long_and_nested_values_are_shortened() -> None:
    assert len(show("x" * 10_000)) < 70
    assert len(show(10**500)) < 70
    assert show(b"x" * 500) == "<500 bytes>"
    assert show(Value(np.zeros(9))) == "Value(...)"


def test_an_atlas_has_a_short_repr() -> None:
    atlas = make_atlas(200, samples=600)
    text = repr(atlas)
    assert len(text) < 1_000
    assert "\n" not in text
    assert text.startswith("Atlas(layer='layer3', step=200, ")
    for part in (atlas.samples, atlas.grids[0], atlas.quality, atlas.provenance):
        assert len(repr(part)) < 1_000
    assert "<float32 (600, 2)>" in repr(atlas.samples)
    assert len(repr(compare_atlases(make_atlas(0, samples=600), atlas))) < 1_000
