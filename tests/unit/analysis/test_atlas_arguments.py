# SPDX-License-Identifier: Apache-2.0
"""Messages about arguments that are not atlases."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas.analysis.atlas_checks import check_atlas, iterate_atlases
from tensorboard_plugin_atlas.errors import ArgumentError


def test_an_atlas_is_accepted():
    check_atlas("a", make_atlas(0))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("runs/a", r"^a='runs/a': pass an Atlas; read_atlases\('runs/a'\) yields those of a log"),
        (Path("runs"), r"^a=.*Path\('runs'\): pass an Atlas; read_atlases\('runs'\) yields"),
        (None, r"^a=None: pass an Atlas, such as compute_atlas\(...\) returns"),
        ([0] * 1_000, r"^a=\[0, 0, .{73}: pass an Atlas"),
    ],
    ids=["text", "path", "none", "list"],
)
def test_other_values_are_reported_with_advice(value, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        check_atlas("a", value)
    assert len(str(caught.value)) < 250


def test_atlases_are_iterated_lazily():
    atlas = make_atlas(0)
    found = iterate_atlases("atlases", iter([atlas, "runs/a"]))
    assert next(found) is atlas
    with pytest.raises(ArgumentError, match=r"^atlases: number 1 is 'runs/a', not an Atlas; pass"):
        next(found)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("runs/a", r"^atlases='runs/a': pass atlases, such as read_atlases\('runs/a'\)!$"),
        (Path("runs"), r"pass atlases, such as read_atlases\('runs'\)!$"),
        (None, r"^atlases=None: pass atlases, such as read_atlases\(log_dir\)!$"),
        ([None], r"^atlases: number 0 is None, not an Atlas; pass .* read_atlases\(log_dir\)!$"),
    ],
    ids=["text", "path", "none", "other"],
)
def test_other_iterables_are_reported_with_advice(values, message):
    with pytest.raises(ArgumentError, match=message):
        list(iterate_atlases("atlases", values, more="!"))


def test_a_single_atlas_must_be_in_a_list():
    with pytest.raises(ArgumentError, match=r"pass a list, such as \[atlas\]"):
        list(iterate_atlases("atlases", make_atlas(0)))
