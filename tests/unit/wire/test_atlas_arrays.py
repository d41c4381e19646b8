# SPDX-License-Identifier: Apache-2.0
"""Atlases of many samples in a log: equal bits, small size, and damage with a reason."""

from __future__ import annotations

import dataclasses
import tracemalloc
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
from atlas_strategies import atlases, find_difference
from blob_damage import rewrite_manifest
from hypothesis import HealthCheck, given, settings
from large_atlases import make_large_atlas
from numpy.typing import NDArray
from safetensors.numpy import load, save

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.atlas import SELECTED, Atlas
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.sample_subset import choose_first
from tensorboard_plugin_atlas.wire import atlas_arrays
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas
from tensorboard_plugin_atlas.wire.limits import MAX_SEQUENCE_BYTES

FIVE_GRIDS = (10, 20, 40, 80, 160)


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", 100)


@pytest.fixture
def blobs(few_are_many: None) -> list[bytes]:
    return encode_atlas(make_large_atlas(400, grids=(3, 6), invalid=7))


def test_150_000_samples_are_read_to_the_bit() -> None:
    atlas = make_large_atlas(150_000, grids=FIVE_GRIDS, invalid=100)
    blobs = encode_atlas(atlas)
    assert find_difference(decode_atlas(blobs), atlas) is None
    assert len(blobs[1]) < 26 * 150_000
    known = np.isfinite(atlas.activations).all(axis=1)
    selected = choose_first(150_000, 100_000)
    selected[:100] = False
    np.testing.assert_array_equal(known, selected)
    assert 0 < atlas.samples.activations.lost_variance < 1e-3


def test_the_plain_form_holds_up_to_the_constant(few_are_many: None) -> None:
    names = [load(encode_atlas(make_large_atlas(n, grids=(3,)))[1]).keys() for n in (100, 101)]
    assert "clamped" in names[0]
    assert "clamped_bits" in names[1]


def test_a_million_samples_with_five_grids_fit() -> None:
    atlas = make_large_atlas(1_000_000, grids=FIVE_GRIDS, channels=112)
    sizes = [len(blob) for blob in encode_atlas(atlas)]
    assert sizes[1] < 24_000_000
    assert sizes[2] < 11_400_000
    assert sum(sizes) + 24_000_000 < MAX_SEQUENCE_BYTES


def test_other_atlases_of_many_samples_are_read_to_the_bit(few_are_many: None) -> None:
    atlas = make_large_atlas(400, grids=(3,))
    samples = dataclasses.replace(
        atlas.samples,
        xy=np.random.default_rng(0).random((400, 2), np.float32),
        labels=None,
        predictions=None,
        noise_floor=None,
        concepts=None,
        confidences=None,
        losses=None,
    )
    bare = atlas.replace(samples=samples, grids=(), concepts=None)
    assert find_difference(decode_atlas(encode_atlas(bare)), bare) is None


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(atlases())
def test_any_atlas_is_read_from_the_compact_form_as_from_the_plain_one(atlas: Atlas) -> None:
    plain = decode_atlas(encode_atlas(atlas))
    with mock.patch.object(sample_subset, "MANY_SAMPLES", -1):
        blobs = encode_atlas(atlas)
    assert find_difference(decode_atlas(blobs), plain) is None


def change_array(
    blobs: list[bytes], index: int, change: Callable[[dict[str, NDArray[Any]]], object]
) -> list[bytes]:
    """Returns the blobs with changed arrays and correct checksums."""
    arrays = {name: array.copy() for name, array in load(blobs[index]).items()}
    change(arrays)
    changed = list(blobs)
    changed[index] = save(arrays)
    return rewrite_manifest(changed)


def fill(arrays: dict[str, NDArray[Any]], name: str, value: float) -> None:
    arrays[name][...] = value


DAMAGE: dict[str, tuple[int, Callable[[dict[str, NDArray[Any]]], object], str]] = {
    "short bits": (
        1,
        lambda a: a.update(clamped_bits=a["clamped_bits"][1:]),
        r"blob 1 \(map\): array 'clamped_bits' has shape \(49,\), expected \(50,\)",
    ),
    "codes of another type": (
        1,
        lambda a: a.update(labels_codes=a["labels_codes"].astype(np.int32)),
        "array 'labels_codes' is int32, expected uint8 or uint16",
    ),
    "codes of fewer samples": (
        1,
        lambda a: a.update(xy_codes=a["xy_codes"][:-1]),
        r"array 'xy_codes' has shape \(399, 2\), expected \(400, 2\)",
    ),
    "a code": (1, lambda a: fill(a, "concepts_codes", 99), "concepts: a code outside its table"),
    "a concept": (
        1,
        lambda a: fill(a, "concepts_values", 6),
        "concepts: a sample of one that its manifest does not list",
    ),
    "a share": (1, lambda a: fill(a, "overlap_values", 1.5), "overlap: a share outside 0 to 1"),
    "a box": (1, lambda a: fill(a, "box_values", 0) or fill_first(a), "boxes: one that ends"),
    "coordinates": (
        1,
        lambda a: fill(a, "xy_codes", 0),
        "grid 3: its counts are not the numbers of members",
    ),
    "left out samples": (
        1,
        lambda a: fill(a, "outside_bits", 255),
        "grid 3: its counts are not the numbers of members",
    ),
    "a cell": (1, lambda a: fill(a, "grid6.cols", 6), "grid 6: a column outside 0 to 5"),
    "a table in the plain form": (
        1,
        lambda a: a.update(clamped=np.zeros(400, np.uint8)),
        "unexpected array 'clamped'",
    ),
    "rows of activations": (
        2,
        lambda a: a.update(codes=a["codes"][1:]),
        r"blob 2 \(activations\): \d+ rows of kind uint8 for \d+ samples",
    ),
    "bits of activations": (
        2,
        lambda a: fill(a, "stored_bits", 0),
        r"rows of kind uint8 for 0 samples",
    ),
    "the scale": (2, lambda a: fill(a, "scale", np.inf), "activations: scale is not finite"),
}


def fill_first(arrays: dict[str, NDArray[Any]]) -> None:
    arrays["box_values"][0, 0] = 1


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_refused_with_a_reason(blobs: list[bytes], damage: str) -> None:
    index, change, reason = DAMAGE[damage]
    with pytest.raises(DamageError, match=reason):
        decode_atlas(change_array(blobs, index, change))


def test_too_many_stored_activations_are_refused(
    blobs: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlas_arrays, "SELECTED_BYTES", 1500)
    with pytest.raises(DamageError, match=r"blob 2 .* bytes of activations of some samples, at m"):
        decode_atlas(blobs)


def test_decoding_allocates_little_more_than_the_decoded_arrays() -> None:
    samples = 120_000
    atlas = make_large_atlas(samples, grids=FIVE_GRIDS, invalid=3)
    blobs = encode_atlas(atlas)
    tracemalloc.start()
    decoded = decode_atlas(blobs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(decoded.samples) == samples
    activations = atlas.samples.activations.arrays["codes"].nbytes
    print(f"{(peak - activations) / samples:.0f} bytes per sample")
    assert peak < 130 * samples + activations


@pytest.mark.parametrize("kind", ["float16", "pca"])
def test_another_kind_of_activations_is_refused(blobs: list[bytes], kind: str) -> None:
    other = rewrite_manifest(blobs, lambda document: document["activations"].update(kind=kind))
    with pytest.raises(DamageError, match=f"rows of kind {kind}"):
        decode_atlas(other)


def test_a_manifest_with_more_samples_is_refused_before_arrays_are_made(
    blobs: list[bytes],
) -> None:
    other = rewrite_manifest(blobs, lambda document: document.update(samples=1_000_000))
    with pytest.raises(DamageError, match=r"blob 1 .* expected \(125000,\)"):
        decode_atlas(other)


def bad_grid(atlas: Atlas) -> Atlas:
    grid = dataclasses.replace(atlas.grids[0], rows=atlas.grids[0].rows + 100)
    return atlas.replace(grids=(grid, *atlas.grids[1:]))


def bad_selection(atlas: Atlas) -> Atlas:
    stored = atlas.samples.activations
    arrays = {**stored.arrays, SELECTED: np.ones(3, np.bool_)}
    samples = dataclasses.replace(
        atlas.samples, activations=dataclasses.replace(stored, arrays=arrays)
    )
    return atlas.replace(samples=samples)


def bad_labels(atlas: Atlas) -> Atlas:
    labels = np.zeros(len(atlas.samples), np.int64)
    return atlas.replace(samples=dataclasses.replace(atlas.samples, labels=labels))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (bad_grid, "could not be read back: grid 3: a row outside 0 to 2"),
        (bad_selection, r"activations of some of \(3,\) samples; pass 400"),
        (bad_labels, "array 'labels' is int64, expected int32"),
    ],
)
def test_wrong_arrays_are_refused(
    few_are_many: None, change: Callable[[Atlas], Atlas], reason: str
) -> None:
    with pytest.raises(ArgumentError, match=reason):
        encode_atlas(change(make_large_atlas(400, grids=(3, 6))))
