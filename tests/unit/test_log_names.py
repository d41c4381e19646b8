# SPDX-License-Identifier: Apache-2.0
"""Tags: names of layers are preserved, and TensorBoard's data server can read them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorboard_plugin_atlas.log_names import (
    Revision,
    layer_of_shortcuts,
    layer_of_tag,
    layer_tag,
    parse_refined_run,
    refined_run,
    relayout_run,
    revision_of_tag,
    shortcuts_tag,
    source_of_relayout,
)


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


def test_the_first_atlas_of_a_series_has_a_tag_of_its_own() -> None:
    for revision in Revision:
        tag = layer_tag("a", revision, 1)
        assert tag == f"first/{revision.value}a"
        assert revision_of_tag(tag) == ("a", revision)
        assert {layer_tag("a", revision, number) for number in (None, 2, 9)} == {
            layer_tag("a", revision)
        }
    assert layer_of_tag(layer_tag("first/layer/a")) == "first/layer/a"
    assert shortcuts_tag("a", 1) == "first/shortcuts/a"
    assert layer_of_shortcuts("first/shortcuts/a") == layer_of_shortcuts("shortcuts/a") == "a"
    assert shortcuts_tag("a", 2) == "shortcuts/a"


@pytest.mark.parametrize("revision", list(Revision))
def test_each_revision_has_its_own_tag(revision: Revision) -> None:
    tag = layer_tag('a"b', revision)
    assert revision_of_tag(tag) == ('a"b', revision)
    assert (layer_of_tag(tag) == 'a"b') is (revision is Revision.LOGGED)


@pytest.mark.parametrize(
    ("source", "number", "run"),
    [
        ("exp/atlas", 1, "exp/atlas/refined/0001"),
        (".", 12345, "refined/12345"),
        ("refined/0001", 2, "refined/0001/refined/0002"),
        ("a\nb", 7, "a\nb/refined/0007"),
    ],
)
def test_a_run_of_refined_atlases_names_its_source(source: str, number: int, run: str) -> None:
    assert refined_run(source, number) == run
    assert parse_refined_run(run) == (source, number)


@pytest.mark.parametrize(
    "run", ["exp", "exp/refined", "exp/refined/1", "exp/refined/0001/x", "unrefined/0001"]
)
def test_other_runs_are_not_refined(run: str) -> None:
    assert parse_refined_run(run) is None


@pytest.mark.parametrize(
    ("source", "run"),
    [
        ("exp/atlas", "exp/atlas/backwards"),
        (".", "backwards"),
        ("a\nb", "a\nb/backwards"),
        ("backwards", "backwards/backwards"),
    ],
)
def test_a_relayout_names_its_source(source: str, run: str) -> None:
    assert relayout_run(source) == run
    assert source_of_relayout(run) == source


@pytest.mark.parametrize("run", ["exp", "backwards/atlas", "exp/backwards2", "exp/backwards/", ""])
def test_other_runs_are_not_relayouts(run: str) -> None:
    assert source_of_relayout(run) is None


@given(st.text())
def test_names_are_restored_and_need_no_escape_in_json(layer: str) -> None:
    tag = layer_tag(layer)
    assert layer_of_tag(tag) == layer
    assert json.dumps(tag, ensure_ascii=False) == f'"{tag}"'


@pytest.mark.parametrize("tag", ["probe", "layer", "Layer/a", "loss"])
def test_other_tags_have_no_layer(tag: str) -> None:
    assert layer_of_tag(tag) is None
