# SPDX-License-Identifier: Apache-2.0
"""Notes and properties that are added to an atlas."""

from __future__ import annotations

from synthetic_atlases import make_atlas


def test_notes_are_added_once_and_properties_are_replaced() -> None:
    atlas = make_atlas(0, samples=20)
    first = atlas.with_notes("icons: real patches", kind="conv", channels=3)
    second = first.with_notes("icons: real patches", "layout: two samples", channels=4)
    before, after = atlas.provenance, second.provenance
    assert after.notes == (*before.notes, "icons: real patches", "layout: two samples")
    assert after.layer_info == {**before.layer_info, "kind": "conv", "channels": 4}
    assert atlas.provenance is before
    assert first.provenance.layer_info["channels"] == 3
