# SPDX-License-Identifier: Apache-2.0
"""Records of wire version 1 are read and served in the current version."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from atlas_strategies import find_difference
from blob_damage import rewrite_manifest
from route_client import ROUTE_PREFIX, make_client
from synthetic_atlases import make_atlas, make_probe_pictures
from synthetic_shortcuts import make_shortcuts
from version_1_blobs import drop_version_3, version_1

from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.log_names import WIRE_VERSION, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.serving.series_reader import series_id
from tensorboard_plugin_atlas.wire.atlas_codec import (
    checksum,
    decode_atlas,
    decode_probe,
    encode_atlas,
    encode_probe,
    read_manifest,
)
from tensorboard_plugin_atlas.wire.shortcut_codec import decode_shortcuts, encode_shortcuts
from tensorboard_plugin_atlas.wire.version_1_upgrade import upgrade_arrays, upgrade_manifest

AXIS = {"left": 1, "right": 2, "reach": 3.0}


def class_atlas_blobs() -> list[bytes]:
    atlas = drop_version_3(make_atlas(100, samples=60, grids=(3, 6), tile=8))
    info = atlas.provenance.layer_info | {
        "class_atlas": {"layer": "a", "axis": AXIS | {"trustworthiness": 0.5}}
    }
    provenance = dataclasses.replace(atlas.provenance, layer_info=info)
    return encode_atlas(atlas.replace(provenance=provenance))


def test_an_atlas_of_version_1_is_read_as_one_of_the_current_version() -> None:
    blobs = class_atlas_blobs()
    old = version_1(blobs)
    assert all(b'"lifelines"' in blob for blob in old[:2])  # word-check: ok
    assert find_difference(decode_atlas(blobs), decode_atlas(old)) is None


def test_the_other_kinds_are_the_same_in_both_versions() -> None:
    probe, record = encode_probe(make_probe_pictures(8)), encode_shortcuts(make_shortcuts(100))
    assert find_difference(decode_probe(probe), decode_probe(version_1(probe))) is None
    old = decode_shortcuts(version_1(record))
    assert (old.found, old.step) == (decode_shortcuts(record).found, 100)


def test_the_manifest_is_kept_in_the_current_version_under_the_mark_of_what_is_stored() -> None:
    blobs = class_atlas_blobs()
    old = version_1(blobs)
    manifest = read_manifest(old[0])
    assert json.loads(manifest.text)["version"] == WIRE_VERSION
    assert json.loads(manifest.text)["concepts"] == json.loads(blobs[0][9:])["concepts"]
    assert (manifest.version, manifest.mark) == (1, old[0][:8].decode())
    assert manifest.served_mark == checksum(manifest.text) != manifest.mark
    current = read_manifest(blobs[0])
    assert current.mark == current.served_mark == blobs[0][:8].decode()


def test_keys_that_version_1_may_lack_have_defaults() -> None:
    later = ("skipped", "frame", "events")
    old = rewrite_manifest(
        version_1(class_atlas_blobs()),
        lambda d: ([d.pop(key) for key in later], d["quality"].pop("effective_rank")),
    )
    decoded = decode_atlas(old)
    assert (decoded.skipped, decoded.quality.effective_rank) == ((), None)
    assert (decoded.viewport, decoded.events) == (None, ())


def test_keys_of_version_2_mean_nothing_in_version_1() -> None:
    old = version_1(class_atlas_blobs())
    odd = rewrite_manifest(old, lambda d: d.update(concepts="x", viewport=7))
    assert find_difference(decode_atlas(odd), decode_atlas(old)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"quality": 3},
        {"provenance": []},
        {"provenance": {"layer_info": []}},
        {"provenance": {"layer_info": {"class_atlas": {"axis": 1}}}},
        {"lifelines": 0},  # word-check: ok
        {"frame": "x"},
        {"kind": ["atlas"]},
        {"kind": None},
    ],
)
def test_values_of_the_wrong_type_are_damage(change: dict[str, Any]) -> None:
    with pytest.raises(DamageError, match=r"^manifest: "):
        decode_atlas(rewrite_manifest(version_1(class_atlas_blobs()), lambda d: d.update(change)))


def test_a_number_that_json_cannot_express_is_damage() -> None:
    blobs = version_1(class_atlas_blobs())
    text = blobs[0][9:].replace(b'"settings": {', b'"settings": {"x": 1e999, ')
    assert text != blobs[0][9:]
    with pytest.raises(DamageError, match="number that JSON cannot express"):
        decode_atlas([checksum(text).encode() + b"\n" + text, *blobs[1:]])


def test_a_manifest_that_grows_beyond_the_limit_is_damage() -> None:
    blobs = version_1(class_atlas_blobs())
    document = json.loads(blobs[0][9:]) | {"layer": "\u00e9" * 1_000_000}
    text = json.dumps(document, ensure_ascii=False).encode()
    assert len(text) < 4 << 20
    with pytest.raises(DamageError, match="bytes when upgraded to wire version 4, at most"):
        decode_atlas([checksum(text).encode() + b"\n" + text, *blobs[1:]])


@pytest.mark.parametrize(
    "data", [b"", b"1234567", bytes(8), b"\xff" * 40, b"\2" + bytes(7) + b"[]"]
)
def test_arrays_that_cannot_be_upgraded_are_kept(data: bytes) -> None:
    assert upgrade_arrays(data) == data


def test_an_empty_manifest_stays_without_keys_of_its_kind() -> None:
    assert upgrade_manifest({}) == {"version": 2, "classes": None}


def test_a_log_of_version_1_is_served_in_the_current_version(tmp_path: Path) -> None:
    blobs = encode_atlas(drop_version_3(make_atlas(10, samples=60, grids=(3,), tile=8)))
    sink = EventSink(tmp_path / "exp" / "atlas")
    sink.write(layer_tag("layer3"), version_1(blobs), 10)
    sink.close()
    client, _ = make_client(tmp_path)
    where = {"id": series_id("exp/atlas", layer_tag("layer3")), "step": "10"}
    response = client.get(ROUTE_PREFIX + "atlas", query_string=where)
    length = int.from_bytes(response.data[:4], "little")
    manifest = json.loads(response.data[4 : 4 + length])
    assert {**manifest, "blobs": None} == {**json.loads(blobs[0][9:]), "blobs": None}
    arrays = response.data[4 + length :]
    header = json.loads(arrays[8 : 8 + int.from_bytes(arrays[:8], "little")])
    assert "concepts" in header
    assert "lifelines" not in header  # word-check: ok
    # A browser must not take the cached response of an older plugin for this one.
    assert response.headers["ETag"] != f'"{version_1(blobs)[0][:8].decode()}"'
    (step,) = client.get(ROUTE_PREFIX + "history", query_string=where).json["steps"]
    assert (step["revision"], step["status"]) == ("logged", "ok")
