# SPDX-License-Identifier: Apache-2.0
"""Manifests of wire version 2 are read as ones of version 3."""

from __future__ import annotations

from typing import Any

import pytest
from blob_damage import rewrite_manifest
from synthetic_atlases import make_atlas
from version_1_blobs import delete_version_3

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas
from tensorboard_plugin_atlas.wire.version_2_upgrade import upgrade_manifest


def downgrade(document: dict[str, Any]) -> None:
    """Makes a manifest of the current version one of version 2."""
    document["version"] = 2
    delete_version_3(document)


def read_downgraded(change: Any = downgrade) -> Atlas:
    return decode_atlas(rewrite_manifest(encode_atlas(make_atlas(100, samples=24)), change))


def test_concepts_of_version_2_have_no_groups_and_no_churn() -> None:
    atlas, now = read_downgraded(), make_atlas(100, samples=24)
    assert atlas.concept_groups is None
    assert atlas.concept_change is None
    assert [(one.group, one.joined, one.left) for one in atlas.concepts or ()] == [
        (None, None, None)
    ] * len(now.concepts or ())
    assert [one.name for one in atlas.concepts or ()] == [one.name for one in now.concepts or ()]
    assert [one.samples for one in atlas.events] == [None] * len(now.events)
    assert [(one.classes, one.images) for one in atlas.events] == [(None, None)] * len(now.events)


def test_changes_of_predictions_are_unknown_to_version_2() -> None:
    def rename(document: dict[str, Any]) -> None:
        document["events"][0] |= {"kind": "flips", "classes": [0, 0, 1]}
        downgrade(document)

    with pytest.raises(DamageError, match=r"events\[0\]\.classes"):
        read_downgraded(rename)


def test_keys_of_version_3_mean_nothing_in_version_2() -> None:
    def add_keys(document: dict[str, Any]) -> None:
        downgrade(document)
        document["groups"] = [{"id": 1, "name": "x", "size": 3}]
        document["concepts"][0]["group"] = 1

    atlas = read_downgraded(add_keys)
    assert atlas.concept_groups is None
    assert atlas.concepts is not None
    assert atlas.concepts[0].group is None


@pytest.mark.parametrize("kind", ["probe", "shortcuts"])
def test_other_records_change_only_their_version(kind: str) -> None:
    document = {"kind": kind, "version": 2, "classes": None}
    assert upgrade_manifest(document) == document | {"version": 3}


@pytest.mark.parametrize("value", [None, 3, "text", {"id": 1}, [3, None, "text"]])
def test_anything_in_place_of_concepts_is_refused_by_the_reader(value: Any) -> None:
    upgraded = upgrade_manifest({"kind": "atlas", "concepts": value, "events": value})
    assert upgraded["concepts"] == value
    if value is not None:

        def replace(document: dict[str, Any]) -> None:
            downgrade(document)
            document["events"] = value

        with pytest.raises(DamageError, match="events"):
            read_downgraded(replace)


def test_a_concept_of_an_unlisted_group_is_damage() -> None:
    with pytest.raises(DamageError, match="a concept of a group it does not list"):
        read_downgraded(lambda document: document["concepts"][0].update(group=7))


def test_groups_have_rising_ids() -> None:
    def swap(document: dict[str, Any]) -> None:
        document["groups"] = [{"id": i, "name": "x", "size": 1} for i in (1, 0)]

    with pytest.raises(DamageError, match="groups"):
        read_downgraded(swap)
