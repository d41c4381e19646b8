# SPDX-License-Identifier: Apache-2.0
"""Blobs as wire version 1 had them, made of blobs of the current version."""

from __future__ import annotations

import dataclasses
import json
import struct
from typing import Any

from blob_damage import rewrite_manifest

from tensorboard_plugin_atlas.atlas import Atlas


def drop_version_3(atlas: Atlas) -> Atlas:
    """Returns an atlas without what wire version 3 added to its manifest."""
    plain = {"group": None, "joined": None, "left": None}
    return atlas.replace(
        concepts=tuple(dataclasses.replace(one, **plain) for one in atlas.concepts or ()),
        concept_groups=None,
        concept_change=None,
        events=tuple(
            dataclasses.replace(one, samples=None) for one in atlas.events if one.kind != "flips"
        ),
    )


def delete_version_3(document: dict[str, Any]) -> None:
    """Deletes the keys that wire version 3 added to the manifest of an atlas."""
    for key in ("groups", "concept_change"):
        del document[key]
    for concept in document["concepts"] or ():
        for key in ("group", "joined", "left"):
            del concept[key]
    for event in document["events"]:
        del event["samples"], event["classes"], event["images"]


def version_1(blobs: list[bytes]) -> list[bytes]:
    """Returns an atlas, a probe or shortcuts as wire version 1 had them."""
    parts = list(blobs)
    if b'"kind":"atlas"' in blobs[0]:
        parts[1] = _rename_arrays(blobs[1])
    return rewrite_manifest(parts, _downgrade)


def _downgrade(document: dict[str, Any]) -> None:
    document["version"] = 1
    for blob in document["blobs"]:
        for key in ("grid", "page"):
            if blob[key] is None:
                del blob[key]
    if document["kind"] != "atlas":
        return
    document["events"] = [one for one in document["events"] if one["kind"] != "flips"]
    delete_version_3(document)
    document["frame"] = document.pop("viewport")
    document["lifelines"] = document.pop("concepts")  # word-check: ok
    document["quality"]["knn_kept"] = document["quality"].pop("neighbors_kept")
    axis = (document["provenance"]["layer_info"].get("class_atlas") or {}).get("axis")
    if axis:
        axis["trust"] = axis.pop("trustworthiness")


def _rename_arrays(data: bytes) -> bytes:
    length = int.from_bytes(data[:8], "little")
    text = data[8 : 8 + length].replace(b'"concepts"', b'"lifelines"')  # word-check: ok
    assert json.loads(text)
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data[8 + length :]
