# SPDX-License-Identifier: Apache-2.0
"""Records of wire version 3 are read as ones of version 4."""

from __future__ import annotations

from typing import Any

import pytest
from atlas_strategies import find_difference
from blob_damage import rewrite_manifest
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas
from tensorboard_plugin_atlas.wire.version_3_upgrade import upgrade_manifest


def make_old(document: dict[str, Any]) -> None:
    """Turns a manifest into one of version 3."""
    document["version"] = 3
    del document["logged_samples"]


def test_manifests_of_atlases_get_one_more_key() -> None:
    document = {"kind": "atlas", "version": 3, "samples": 5}
    assert upgrade_manifest(document) == document | {"version": 4, "logged_samples": None}
    document = {"kind": "probe", "version": 3}
    assert upgrade_manifest(document) == document | {"version": 4}


def test_more_samples_are_logged_than_the_tab_gets() -> None:
    blobs = encode_atlas(make_atlas(100, samples=24))
    wrong = rewrite_manifest(blobs, lambda document: document.update(logged_samples=24))
    with pytest.raises(DamageError, match='"logged_samples" is 24, expected null or more than 24'):
        decode_atlas(wrong)


def test_an_atlas_of_version_3_is_read() -> None:
    blobs = encode_atlas(make_atlas(100, samples=24))
    old = rewrite_manifest(blobs, make_old)
    assert find_difference(decode_atlas(old), decode_atlas(blobs)) is None


def test_version_3_has_no_compact_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", 20)
    blobs = encode_atlas(make_atlas(100, samples=24))
    old = rewrite_manifest(blobs, make_old)
    with pytest.raises(DamageError, match=r"blob 1 .*unexpected array"):
        decode_atlas(old)
