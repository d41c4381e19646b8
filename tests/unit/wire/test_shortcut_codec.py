# SPDX-License-Identifier: Apache-2.0
"""Records of shortcuts on the wire: they come back as they were, and lies are refused."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from synthetic_atlases import make_atlas
from synthetic_shortcuts import make_shortcuts, replace_first

from tensorboard_plugin_atlas.errors import ArgumentError, DamageError, TooNewError
from tensorboard_plugin_atlas.log_names import (
    layer_of_shortcuts,
    layer_of_tag,
    layer_tag,
    revision_of_tag,
    shortcuts_tag,
)
from tensorboard_plugin_atlas.sprite_sheets import pack, webp_size
from tensorboard_plugin_atlas.wire.atlas_codec import (
    check_place,
    checksum,
    decode_atlas,
    encode_atlas,
    read_manifest,
)
from tensorboard_plugin_atlas.wire.shortcut_codec import (
    count_fitting_patches,
    decode_shortcuts,
    encode_shortcuts,
    shortcuts_response,
)


@pytest.fixture(scope="module")
def blobs() -> list[bytes]:
    return encode_shortcuts(make_shortcuts(100))


def rewrite_manifest(blobs: list[bytes], change: Callable[[dict[str, Any]], object]) -> list[bytes]:
    """Returns the blobs with a changed manifest under a right checksum."""
    document = json.loads(blobs[0][9:])
    change(document)
    text = json.dumps(document).encode()
    return [checksum(text).encode() + b"\n" + text, *blobs[1:]]


@pytest.mark.parametrize("found", [0, 1, 3, 40])
def test_a_record_comes_back_bit_for_bit(found: int) -> None:
    record = make_shortcuts(200, found=found)
    blobs = encode_shortcuts(record)
    back = decode_shortcuts(blobs, run="exp/atlas")
    assert (back.run, len(blobs)) == ("exp/atlas", 2 if found else 1)
    for name in ("layer", "step", "wall_time", "probe", "input_size", "images", "found", "classes"):
        assert getattr(back, name) == getattr(record, name)
    for one, other in zip(back.patches, record.patches, strict=True):
        np.testing.assert_array_equal(one, other)
    assert encode_shortcuts(back) == blobs


def test_names_of_no_class_and_values_that_are_not_known_are_null() -> None:
    record = dataclasses.replace(replace_first(make_shortcuts(100), similarity=None), classes=None)
    back = decode_shortcuts(encode_shortcuts(record))
    assert (back.classes, back.found[0].similarity) == (None, None)
    assert back.found[0].history[0].flip_rate is None
    assert back.found[1].since is None


def test_the_manifest_is_as_http_api_md_has_it(blobs: list[bytes]) -> None:
    line, _, text = blobs[0].partition(b"\n")
    assert line.decode() == checksum(text)
    document = json.loads(text)
    assert set(document) == {
        *("kind", "version", "blobs", "layer", "step", "wall_time", "classes", "probe"),
        *("input_size", "images", "patches", "found"),
    }
    assert document["patches"] == {"tile": 6, "columns": 2}
    (blob,) = document["blobs"]
    assert blob == {
        "role": "patches",
        "format": "webp",
        "bytes": len(blobs[1]),
        "crc32c": checksum(blobs[1]),
        "grid": None,
        "page": None,
    }
    assert webp_size(blobs[1]) == (12, 12)
    first = document["found"][0]
    assert set(first) == {
        *("id", "target", "box", "area", "flip_rate", "anywhere_flip_rate", "noise_flip_rate"),
        *("other_flip_rate", "same_flip_rate", "interval", "strength", "support", "significant"),
        *("since", "image", "history", "samples", "similarity", "examples"),
    }
    assert first["history"][0] == {
        "step": 0,
        "flip_rate": None,
        "noise_flip_rate": None,
        "significant": False,
    }
    assert set(first["examples"][0]) == {
        *("image", "before", "after", "probability_before", "probability_after"),
    }


def test_the_response_holds_only_what_was_checked(blobs: list[bytes]) -> None:
    strange = rewrite_manifest(blobs, lambda document: document.update(extra="<script>"))
    response = shortcuts_response(read_manifest(strange[0]))
    assert json.loads(json.dumps(response)) == json.loads(blobs[0][9:])
    with pytest.raises(DamageError, match="its kind is atlas"):
        shortcuts_response(read_manifest(encode_atlas(make_atlas(0, samples=20, grids=(3,)))[0]))


def test_one_kind_is_never_taken_for_another(blobs: list[bytes]) -> None:
    with pytest.raises(DamageError, match="its kind is shortcuts"):
        decode_atlas(blobs)
    with pytest.raises(DamageError, match="its kind is atlas"):
        decode_shortcuts(encode_atlas(make_atlas(0, samples=20, grids=(3,))))


def test_a_thousand_mutations_are_all_found(blobs: list[bytes]) -> None:
    chance = random.Random(1)
    for _ in range(1000):
        parts = list(blobs)
        index = chance.randrange(2)
        place, bit = chance.randrange(len(parts[index])), 1 << chance.randrange(8)
        changed = bytearray(parts[index])
        changed[place] ^= bit
        parts[index] = bytes(changed)
        with pytest.raises(DamageError):
            decode_shortcuts(parts)


def first(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["found"][0].update(changes)


def inner(key: str, **changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["found"][0][key][0].update(changes)


def whole(**changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.update(changes)


LIES = {
    "a rate above one": first(flip_rate=1.1),
    "a rate that is text": first(noise_flip_rate="<b>"),
    "a rate that is true": first(same_flip_rate=True),
    "an area below nothing": first(area=-0.1),
    "a box outside of the image": first(box=[0, 0, 4, 33]),
    "a box that ends before it starts": first(box=[4, 0, 0, 3]),
    "a box of three": first(box=[0, 0, 4]),
    "an interval of one": first(interval=[0.5]),
    "an interval of texts": first(interval=["0", "1"]),
    "a strength without bound": first(strength=1e300),
    "a negative target": first(target=-1),
    "a target beyond all classes": first(target=2_000_000),
    "an id twice": first(id=8),
    "a number for a truth value": first(significant=1),
    "a since between steps": first(since=0.5),
    "too many samples": first(samples=[1] * 65),
    "a negative sample": first(samples=[-1]),
    "a similarity above one": first(similarity=1.5),
    "too many examples": first(examples=[{}] * 13),
    "an example that is a list": first(examples=[[]]),
    "a probability above one": inner("examples", probability_after=1.01),
    "a negative image": inner("examples", image=-1),
    "steps that fall": inner("history", step=10_000),
    "a history without rates": inner("history", flip_rate=-1),
    "too long a history": first(history=[{}] * 1001),
    "too many patches": lambda document: document.update(found=document["found"] * 14),
    "no patches where some were found": whole(patches=None),
    "patches where none was found": whole(found=[]),
    "a tile larger than any patch": whole(patches={"tile": 7, "columns": 2}),
    "patches on more than one page": whole(patches={"tile": 6, "columns": 1}),
    "a page of another size": whole(patches={"tile": 6, "columns": 3}),
    "a page that nobody draws": whole(patches={"tile": 6, "columns": 10**9}),
    "an image size of nothing": whole(input_size=[0, 32]),
    "no step": whole(step=None),
    "a wall time that is none": whole(wall_time="now"),
    "two sheets": lambda document: document.update(blobs=document["blobs"] * 2),
    "no sheet": whole(blobs=[]),
    "another role": lambda document: document["blobs"][0].update(role="thumbs"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_manifest_that_lies_is_damage(lie: str, blobs: list[bytes]) -> None:
    with pytest.raises(DamageError):
        decode_shortcuts(rewrite_manifest(blobs, LIES[lie]))


def test_the_manifest_that_the_lies_are_made_of_is_sound(blobs: list[bytes]) -> None:
    assert decode_shortcuts(rewrite_manifest(blobs, lambda document: document)).step == 100


def test_a_newer_version_is_not_damage(blobs: list[bytes]) -> None:
    with pytest.raises(TooNewError, match="wire version 5"):
        decode_shortcuts(rewrite_manifest(blobs, whole(version=5)))


def test_a_picture_of_another_size_is_damage_under_a_right_checksum(blobs: list[bytes]) -> None:
    (other,) = pack(np.zeros((3, 5, 5, 3), np.uint8), lossless=True).pages

    def swap(document: dict[str, Any]) -> None:
        document["blobs"][0].update(bytes=len(other), crc32c=checksum(other))

    with pytest.raises(DamageError, match="10 x 10 px, its manifest says 12 x 12"):
        decode_shortcuts([rewrite_manifest(blobs, swap)[0], other])


@pytest.mark.parametrize(
    "record",
    [
        replace_first(make_shortcuts(0), flip_rate=float("nan")),
        replace_first(make_shortcuts(0), strength=float("inf")),
        replace_first(make_shortcuts(0), box=(0, 0, 5, 5)),
        dataclasses.replace(make_shortcuts(0), patches=()),
        dataclasses.replace(make_shortcuts(0, found=40), found=make_shortcuts(0).found * 14),
        dataclasses.replace(make_shortcuts(0, found=1), patches=(np.zeros((4, 3, 3)),)),
    ],
)
def test_what_readers_would_refuse_is_not_written(record: Any) -> None:
    with pytest.raises(ArgumentError):
        encode_shortcuts(record)


def test_a_record_elsewhere_than_it_says_is_damage() -> None:
    record = make_shortcuts(100)
    check_place(record, "layer3", 100)
    with pytest.raises(DamageError, match="was found under layer 'layer4' at step 100"):
        check_place(record, "layer4", 100)


def test_tags_name_the_layer_and_are_no_revision() -> None:
    for layer in ("layer3", 'a"b\\c%d\n', "", "shortcuts/x", "layer/y"):
        tag = shortcuts_tag(layer)
        assert layer_of_shortcuts(tag) == layer
        assert revision_of_tag(tag) is layer_of_tag(tag) is None
        assert layer_of_shortcuts(layer_tag(layer)) is None
    assert shortcuts_tag('a"b') == "shortcuts/a%22b"


@pytest.mark.parametrize(
    ("sides", "count"),
    [([], 0), ([2048], 1), ([2049], 0), ([1024] * 40, 4), ([292] * 40, 40), ([293] * 40, 36)],
)
def test_as_many_patches_as_fit_on_a_sheet(sides: list[int], count: int) -> None:
    assert count_fitting_patches(sides) == count
