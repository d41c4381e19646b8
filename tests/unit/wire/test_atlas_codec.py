# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import json
import math
import random
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from atlas_strategies import atlases, find_difference, probe_pictures
from blob_damage import mutate_bytes, rewrite_manifest
from hypothesis import HealthCheck, given, settings
from synthetic_atlases import make_atlas, make_probe_pictures

from tensorboard_plugin_atlas.atlas import Atlas, Grid, ProbeThumbnails, StoredActivations
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError, TooNewError
from tensorboard_plugin_atlas.wire.atlas_codec import (
    check_blob,
    checksum,
    decode_atlas,
    decode_probe,
    encode_atlas,
    encode_probe,
    read_manifest,
)
from tensorboard_plugin_atlas.wire.limits import MAX_MANIFEST_VALUES

random_atlases = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def blobs() -> list[bytes]:
    return encode_atlas(make_atlas(100, samples=60, grids=(3, 6), tile=8))


@random_atlases
@given(atlases())
def test_an_atlas_comes_back_bit_for_bit(atlas: Atlas) -> None:
    encoded = encode_atlas(atlas)
    decoded = decode_atlas(encoded)
    assert find_difference(atlas, decoded) is None
    assert encode_atlas(decoded) == encoded


@random_atlases
@given(probe_pictures())
def test_the_probe_comes_back_bit_for_bit(pictures: ProbeThumbnails) -> None:
    encoded = encode_probe(pictures)
    decoded = decode_probe(encoded)
    assert find_difference(pictures, decoded) is None
    assert encode_probe(decoded) == encoded


def test_the_run_is_that_of_the_reader(blobs: list[bytes]) -> None:
    assert decode_atlas(blobs, run="exp/atlas").run == "exp/atlas"


def test_the_manifest_is_as_http_api_md_has_it(blobs: list[bytes]) -> None:
    line, _, text = blobs[0].partition(b"\n")
    assert line.decode() == checksum(text)
    document = json.loads(text)
    assert list(document) == [
        *("kind", "version", "blobs", "layer", "step", "sequence", "wall_time", "classes"),
        *("samples", "logged_samples", "channels", "grids", "quality", "activations"),
        *("provenance", "skipped"),
        *("viewport", "concepts", "groups", "concept_change", "events"),
    ]
    assert [blob["role"] for blob in document["blobs"]] == ["map", "activations", "sheet", "sheet"]
    assert [blob["bytes"] for blob in document["blobs"]] == [len(blob) for blob in blobs[1:]]
    assert document["blobs"][3] | {"bytes": 0, "crc32c": ""} == {
        "role": "sheet",
        "format": "webp",
        "bytes": 0,
        "crc32c": "",
        "grid": 6,
        "page": 0,
    }
    assert read_manifest(blobs[0]).indices("sheet") == (3, 4)


def test_checksum_is_crc32c() -> None:
    assert checksum(b"123456789") == "e3069283"  # the check value of RFC 3720, B.4


def test_numbers_that_json_lacks_become_null() -> None:
    atlas = make_atlas(0)
    provenance = dataclasses.replace(atlas.provenance, settings={"a": float("nan"), "b": (1e999,)})
    decoded = decode_atlas(encode_atlas(atlas.replace(provenance=provenance)))
    assert decoded.provenance.settings == {"a": None, "b": (None,)}


@pytest.mark.parametrize("text", ["</script>\0\u202e", "x" * 100_000, "\ud800", "日本 🛰"])
def test_any_text_is_only_text(text: str) -> None:
    atlas = make_atlas(0, classes=(text, "b")).replace(layer=text)
    decoded = decode_atlas(encode_atlas(atlas))
    assert (decoded.layer, decoded.classes) == (text, (text, "b"))


def test_two_thousand_mutations_are_all_found(blobs: list[bytes]) -> None:
    """Every flip, cut, insertion, repetition or swap is detected; none decodes to other values."""
    chance = random.Random(5)
    original = decode_atlas(blobs)
    found = 0
    for _ in range(2500):
        mutated = mutate(list(blobs), chance)
        try:
            decoded = decode_atlas(mutated)
        except DamageError as error:
            found += bool(str(error))
        else:
            assert mutated == blobs or find_difference(original, decoded) is None
    assert found > 2400


def mutate(parts: list[bytes], chance: random.Random) -> list[bytes]:
    index = chance.randrange(len(parts))
    if chance.random() < 0.1:
        other = chance.randrange(len(parts))
        parts[index], parts[other] = parts[other], parts[index]
    elif chance.random() < 0.1:
        del parts[index]
    elif chance.random() < 0.05:
        parts.insert(index, parts[index])
    else:
        parts[index] = mutate_bytes(parts[index], chance)
    return parts


def test_damage_names_the_blob_and_the_numbers(blobs: list[bytes]) -> None:
    short = [*blobs[:4], blobs[4][:-7]]
    size = f"{len(blobs[4]):,}"
    wanted = rf"blob 4 \(sheet, grid 6\): {len(short[4]):,} bytes, its manifest says {size}"
    with pytest.raises(DamageError, match=wanted):
        decode_atlas(short)
    flipped = [*blobs[:2], bytes([blobs[2][0] ^ 1]) + blobs[2][1:], *blobs[3:]]
    with pytest.raises(DamageError, match=r"blob 2 \(activations\): checksum [0-9a-f]{8}, its man"):
        decode_atlas(flipped)
    with pytest.raises(DamageError, match="3 blobs behind the manifest, it lists 4"):
        decode_atlas(blobs[:-1])
    with pytest.raises(DamageError, match="no blobs at all"):
        decode_atlas([])
    with pytest.raises(DamageError, match="its kind is atlas"):
        decode_probe(blobs)


def test_a_newer_version_is_not_damage(blobs: list[bytes]) -> None:
    newer = rewrite_manifest(blobs, lambda d: (d.update(version=5), d.pop("samples")))
    with pytest.raises(TooNewError, match="wire version 5, this release reads up to 4; update"):
        decode_atlas(newer)


def test_a_sheet_that_is_no_picture_is_damage_even_under_a_right_checksum(
    blobs: list[bytes],
) -> None:
    parts = rewrite_manifest([*blobs[:3], b"<svg onload=alert(1)>" + bytes(40), blobs[4]])
    manifest = read_manifest(parts[0])
    with pytest.raises(DamageError, match=r"blob 3 \(sheet, grid 3\): not a WebP image"):
        check_blob(manifest, 3, parts[3])


LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "too many samples": lambda d: d.update(samples=2_000_000),
    "other samples": lambda d: d.update(samples=61),
    "negative samples": lambda d: d.update(samples=-1),
    "samples as a float": lambda d: d.update(samples=60.0),
    "samples as a boolean": lambda d: d.update(samples=True),
    "too many channels": lambda d: d.update(channels=10**6),
    "more cells than squares": lambda d: d["grids"][0].update(cells=10),
    "other cells": lambda d: d["grids"][1].update(cells=d["grids"][1]["cells"] - 1),
    "a huge grid": lambda d: d["grids"][0].update(size=2**31),
    "falling grids": lambda d: d["grids"].reverse(),
    "grids without end": lambda d: d.update(grids=d["grids"] * 100),
    "a huge tile": lambda d: d["grids"][0].update(tile=2**20),
    "other columns": lambda d: d["grids"][1].update(columns=2),
    "another kind of blob": lambda d: d["blobs"][0].update(role="probe"),
    "an unknown role": lambda d: d["blobs"][0].update(role="script"),
    "another format": lambda d: d["blobs"][2].update(format="svg"),
    "another page": lambda d: d["blobs"][2].update(page=1),
    "a huge blob": lambda d: d["blobs"][0].update(bytes=2**40),
    "no blobs": lambda d: d.update(blobs=[]),
    "blobs of another type": lambda d: d.update(blobs={}),
    "an unknown storage": lambda d: d["activations"].update(kind="pickle"),
    "a lost share above one": lambda d: d["activations"].update(lost_variance=1.5),
    "quality of another type": lambda d: d.update(quality=3),
    "a quality that overflows": lambda d: d["quality"].update(neighbors_kept=10**400),
    "classes of another type": lambda d: d.update(classes=[1, 2]),
    "a layer of another type": lambda d: d.update(layer=None),
    "no layer": lambda d: d.pop("layer"),
    "a layer without end": lambda d: d.update(layer="x" * (1 << 21)),
    "an endless step": lambda d: d.update(step=2**63),
    "version nought": lambda d: d.update(version=0),
    "no provenance": lambda d: d.pop("provenance"),
    "an unknown reason": lambda d: d.update(skipped=[{"step": 1, "reason": "bored"}]),
    "skipped without end": lambda d: d.update(skipped=[{"step": 1, "reason": "busy"}] * 1001),
    "skipped of another type": lambda d: d.update(skipped=[7]),
    "concepts without end": lambda d: d.update(concepts=[d["concepts"][0]] * 1001),
    "a concept's name without end": lambda d: d["concepts"][0].update(name="x" * 2001),
    "an event's text without end": lambda d: d["events"][0].update(text="x" * 2001),
    "an unknown event": lambda d: d["events"][0].update(kind="explodes"),
    "an event of no ids": lambda d: d["events"][0].update(before=["a"]),
    "a viewport without corners": lambda d: d.update(viewport=[0, 0, 1, 1]),
    "sequence nought": lambda d: d.update(sequence=0),
    "a key that is half a character": lambda d: d.update({"\udcff": 1}),
    "a choice that is half a character": lambda d: d["activations"].update(kind="\udcff"),
    "a checksum of a megabyte": lambda d: d["blobs"][0].update(crc32c="x" * 1_000_000),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_manifest_that_lies_is_damage(lie: str, blobs: list[bytes]) -> None:
    with pytest.raises(DamageError) as caught:
        decode_atlas(rewrite_manifest(blobs, LIES[lie]))
    assert len(str(caught.value)) < 300
    assert not isinstance(caught.value, TooNewError)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe",
        b'{"version":NaN}',
        b"[" * 100_000,
        b'{"kind":' * 100_000,
        b"[" * 300_000 + b"]" * 300_000,
        b'{"version":1,"kind":"atlas","quality":{},"activations":{},"provenance":{"settings":'
        + b'{"a":' * 900
        + b"1"
        + b"}" * 902,
        b'{"version":' + b"9" * 5000 + b"}",
        b" " * ((4 << 20) + 1),
    ],
)
def test_manifests_that_are_none_are_refused_cheaply(text: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(DamageError, match=r"^manifest"):
            read_manifest(checksum(text).encode() + b"\n" + text)
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()


def with_header(header: Any, arrays: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + arrays


BAD_TENSORS = {
    "nothing": b"",
    "a header without end": struct.pack("<Q", 2**63) + b"{}",
    "a header longer than the blob": struct.pack("<Q", 100) + b"{}",
    "no JSON": with_header(b"\x80\x04."),
    "a list": with_header([]),
    "deep JSON": with_header(b"[" * 60_000),
    "an unknown type": with_header({"values": {"dtype": "X", "shape": [], "data_offsets": [0, 0]}}),
    "no shape": with_header({"values": {"dtype": "F16", "data_offsets": [0, 0]}}),
    "a text for a shape": with_header(
        {"values": {"dtype": "F16", "shape": "ab", "data_offsets": [0, 0]}}
    ),
    "a list for an entry": with_header({"values": []}),
    "three offsets": with_header(
        {"values": {"dtype": "F16", "shape": [1], "data_offsets": [0, 1, 2]}}
    ),
    "another shape": with_header(
        {"values": {"dtype": "F16", "shape": [2**39, 16], "data_offsets": [0, 2]}}, bytes(2)
    ),
    "another name": with_header({"x": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}),
    "metadata": with_header({"__metadata__": {"format": "pt"}}),
    "fewer bytes than its shape": with_header(
        {"values": {"dtype": "F16", "shape": [60, 16], "data_offsets": [0, 1920]}}, bytes(100)
    ),
    "offsets that are no shape's": with_header(
        {"values": {"dtype": "F16", "shape": [60, 16], "data_offsets": [0, 10]}}, bytes(10)
    ),
}


@pytest.mark.parametrize("name", BAD_TENSORS)
def test_arrays_that_are_not_as_announced_are_damage(name: str, blobs: list[bytes]) -> None:
    parts = rewrite_manifest([*blobs[:2], BAD_TENSORS[name], *blobs[3:]])
    with pytest.raises(DamageError, match=r"^blob 2 \(activations\)"):
        decode_atlas(parts)


def bad(atlas: Atlas, **changes: Any) -> Atlas:
    return atlas.replace(samples=dataclasses.replace(atlas.samples, **changes))


def bad_grid(atlas: Atlas, **changes: Any) -> Atlas:
    return atlas.replace(grids=(dataclasses.replace(atlas.grids[0], **changes),))


def set_first(array: np.ndarray, value: float) -> np.ndarray:
    copy = array.copy()
    copy.flat[0] = value
    return copy


def swapped_rows(grid: Grid) -> np.ndarray:
    return np.full_like(grid.rows, grid.rows[0])


WRONG: dict[str, tuple[Callable[[Atlas], Atlas], str]] = {
    "place outside": (lambda a: bad(a, xy=set_first(a.xy, 1.5)), "xy: a position"),
    "place NaN": (lambda a: bad(a, xy=set_first(a.xy, np.nan)), "xy: a position"),
    "xy in float64": (lambda a: bad(a, xy=a.xy.astype(np.float64)), "'xy' is float64"),
    "ids too few": (lambda a: bad(a, image_ids=a.image_ids[1:]), r"'image_ids' has shape \(59,\)"),
    "id negative": (lambda a: bad(a, image_ids=set_first(a.image_ids, -1)), "image_ids: a value"),
    "class huge": (lambda a: bad(a, labels=set_first(a.labels, 2_000_000)), "labels: a value"),
    "class in a set huge": (
        lambda a: bad(a, labels=None, label_sets=np.full((60, 2), 2_000_000, np.int32)),
        "label_sets: a value",
    ),
    "sets of nothing": (
        lambda a: bad(a, labels=None, label_sets=np.zeros((60, 0), np.int32)),
        "label_sets: no column",
    ),
    "one label and several": (
        lambda a: bad(a, label_sets=np.zeros((60, 2), np.int32)),
        "labels: one of each sample, and sets of them",
    ),
    "box reversed": (lambda a: bad(a, boxes=set_first(a.boxes, 999)), "boxes: one that ends"),
    "row outside": (lambda a: bad_grid(a, rows=set_first(a.grids[0].rows, 3)), "grid 3: a row out"),
    "col negative": (
        lambda a: bad_grid(a, cols=set_first(a.grids[0].cols, -1)),
        "grid 3: a column",
    ),
    "cells twice": (
        lambda a: bad_grid(a, rows=swapped_rows(a.grids[0]), cols=swapped_rows(a.grids[0])),
        "two entries for one cell",
    ),
    "cell_of outside": (
        lambda a: bad_grid(a, cell_of=set_first(a.grids[0].cell_of, 99)),
        "a sample in a cell outside",
    ),
    "cell_of below": (
        lambda a: bad_grid(a, cell_of=set_first(a.grids[0].cell_of, -2)),
        "a sample in a cell outside",
    ),
    "counts wrong": (
        lambda a: bad_grid(a, counts=set_first(a.grids[0].counts, 1)),
        "counts are not the numbers of members",
    ),
    "kind unknown": (
        lambda a: bad_grid(a, kind_codes=set_first(a.grids[0].kind_codes, 5)),
        "an unknown kind",
    ),
    "cosine above": (
        lambda a: bad_grid(a, icon_cosine=set_first(a.grids[0].icon_cosine, 1.1)),
        "a cosine outside",
    ),
    "grids falling": (lambda a: a.replace(grids=a.grids[::-1]), "rising sizes"),
    "icons too few": (
        lambda a: bad_grid(a, sheets=a.grids[1].sheets),
        r"\d+ icons for \d+ cells; pass one per cell",
    ),
    "setting of another type": (
        lambda a: a.replace(
            provenance=dataclasses.replace(a.provenance, settings={"f": [object()]})
        ),
        r"provenance.settings\['f'\]\[0\] is a object: pass",
    ),
    "storage unknown": (
        lambda a: bad(a, activations=StoredActivations(kind="int4", arrays={})),
        "kind='int4'",
    ),
    "overlap above": (
        lambda a: a.replace(
            quality=dataclasses.replace(a.quality, overlap=set_first(a.quality.overlap, 2))
        ),
        "overlap: a share",
    ),
    "floor below zero": (
        lambda a: bad(a, noise_floor=set_first(a.samples.noise_floor, -0.1)),
        "noise_floor: a distance",
    ),
    "concept of nobody": (
        lambda a: bad(a, concepts=set_first(a.samples.concepts, 77)),
        "concepts: a sample of one",
    ),
    "concepts not listed": (lambda a: a.replace(concepts=None, events=()), "a sample of one"),
    "concepts in no order": (lambda a: a.replace(concepts=a.concepts[::-1]), "rising ids"),
    "event without end": (
        lambda a: a.replace(events=(dataclasses.replace(a.events[0], after=(77,)),)),
        "an event that ends in a concept",
    ),
    "event in no cell": (
        lambda a: a.replace(events=(dataclasses.replace(a.events[0], cell=(4, 4, 0)),)),
        r'"events\[0\].cell.row" is 4',
    ),
    "event of NaN": (
        lambda a: a.replace(events=(dataclasses.replace(a.events[0], score=math.nan),)),
        r'"events\[0\].score" is None',
    ),
    "flips without classes": (
        lambda a: a.replace(events=(dataclasses.replace(a.events[0], kind="flips", classes=None),)),
        r'"events\[0\].classes" is None',
    ),
    "flips of one class": (
        lambda a: a.replace(events=(dataclasses.replace(a.events[0], kind="flips", classes=(1,)),)),
        r'"events\[0\].classes" is \[1\]',
    ),
    "confidence of three classes": (
        lambda a: a.replace(
            events=(dataclasses.replace(a.events[0], kind="confidence", classes=(0, 0, 1)),)
        ),
        r'"events\[0\].classes" is',
    ),
    "confidence without a class": (
        lambda a: a.replace(
            events=(dataclasses.replace(a.events[0], kind="confidence", classes=None),)
        ),
        r'"events\[0\].classes" is None',
    ),
    "a split with classes": (
        lambda a: a.replace(events=(dataclasses.replace(a.events[0], classes=(0, 0, 1)),)),
        r'"events\[0\].classes" is',
    ),
    "a split of images": (
        lambda a: a.replace(events=(dataclasses.replace(a.events[0], images=3),)),
        r'"events\[0\].images" is 3',
    ),
    "flips of a class below zero": (
        lambda a: a.replace(
            events=(dataclasses.replace(a.events[0], kind="flips", classes=(0, -1, 1)),)
        ),
        r'"events\[0\].classes\[1\]" is',
    ),
    "events without end": (lambda a: a.replace(events=a.events * 201), '"events" is'),
    "frame reversed": (lambda a: a.replace(viewport=(1.0, 0.0, 0.0, 1.0)), '"viewport" is'),
    "layer without end": (lambda a: a.replace(layer="x" * (5 << 20)), "shorten layer, classes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_readers_would_refuse_is_not_written(name: str) -> None:
    change, message = WRONG[name]
    atlas = make_atlas(100, samples=60, grids=(3, 6), tile=8)
    with pytest.raises(ArgumentError, match=message):
        encode_atlas(change(atlas))


def test_pca_factors_must_fit_each_other() -> None:
    stored = StoredActivations(
        kind="pca",
        arrays={
            "scores": np.zeros((60, 2), np.float16),
            "axes": np.zeros((3, 5), np.float16),
            "mean": np.zeros(5, np.float32),
        },
    )
    with pytest.raises(ArgumentError, match="2 scores a sample, 3 axes"):
        encode_atlas(bad(make_atlas(0, samples=60), activations=stored))


def test_scales_must_be_finite() -> None:
    stored = StoredActivations(
        kind="uint8",
        arrays={
            "codes": np.zeros((60, 2), np.uint8),
            "scale": np.array([1, np.inf], np.float32),
            "offset": np.zeros(2, np.float32),
        },
    )
    with pytest.raises(ArgumentError, match="scale is not finite"):
        encode_atlas(bad(make_atlas(0, samples=60), activations=stored))


def test_more_than_readers_take_is_not_written() -> None:
    values = np.zeros((2000, 17_000), np.float16)
    wide = StoredActivations(kind="float16", arrays={"values": values})
    with pytest.raises(ArgumentError, match=r"MiB in total, readers accept .* pass fewer samples"):
        encode_atlas(bad(make_atlas(0, samples=2000, tile=8), activations=wide))


def test_more_values_than_readers_take_are_neither_written_nor_parsed(blobs: list[bytes]) -> None:
    names = tuple(str(number) for number in range(MAX_MANIFEST_VALUES))
    with pytest.raises(ArgumentError, match="values, readers accept 200,000; pass fewer classes"):
        encode_atlas(make_atlas(1, samples=10, grids=(2,)).replace(classes=names))
    many = rewrite_manifest(blobs, lambda manifest: manifest.update(classes=names))
    assert len(many[0]) < 4 << 20
    with pytest.raises(DamageError, match="manifest: more than 200,000 values"):
        read_manifest(many[0])


def test_attribution_of_many_classes_takes_a_byte_each() -> None:
    atlas = make_atlas(0, samples=2000, grids=(30,), min_count=1, tile=8)
    cells = len(atlas.grids[0].rows)
    attribution = np.random.default_rng(0).normal(0, 1, (cells, 2_000)).astype(np.float32)
    blobs = encode_atlas(bad_grid(atlas, attribution=attribution))
    plain = encode_atlas(bad_grid(atlas, attribution=None))
    assert len(blobs[1]) - len(plain[1]) < cells * 2_000 + 4 * cells + 300
    found = decode_atlas(blobs).grids[0].attribution
    step = np.abs(attribution).max(axis=1, keepdims=True) / 127
    assert (np.abs(found - attribution) <= 0.51 * step).all()


def test_a_probe_that_readers_would_refuse_is_not_written() -> None:
    pictures = make_probe_pictures(6)
    for change in (
        {"image_ids": pictures.image_ids.astype(np.int64)},
        {"image_ids": -pictures.image_ids - 1},
        {"thumb_size": (1000, 10)},
        {"input_size": (0, 10)},
        {"sheets": dataclasses.replace(pictures.sheets, count=7)},
    ):
        with pytest.raises(ArgumentError):
            encode_probe(dataclasses.replace(pictures, **change))
