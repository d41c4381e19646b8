# SPDX-License-Identifier: Apache-2.0
"""What the tab gets of an atlas with very many samples."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from blob_damage import rewrite_manifest
from large_atlases import make_large_atlas
from synthetic_shortcuts import make_shortcuts

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.wire import shown_samples
from tensorboard_plugin_atlas.wire.atlas_arrays import decode_activations
from tensorboard_plugin_atlas.wire.atlas_codec import (
    AtlasManifest,
    checksum,
    encode_atlas,
    read_manifest,
)
from tensorboard_plugin_atlas.wire.manifest import Manifest
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts, shortcuts_response
from tensorboard_plugin_atlas.wire.shown_samples import (
    MAX_SHOWN,
    ShownAtlas,
    choose_shown,
    show_samples,
)
from tensorboard_plugin_atlas.wire.tensors import Spec, load

SAMPLES, STORED, SHOWN = 600, 300, 120


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", STORED)
    monkeypatch.setattr(shown_samples, "MAX_SHOWN", SHOWN)


def show(blobs: list[bytes]) -> tuple[ShownAtlas, AtlasManifest]:
    manifest = read_manifest(blobs[0])
    assert isinstance(manifest.fields, AtlasManifest)
    shown = show_samples(manifest, manifest.fields, blobs[1], blobs[2])
    return shown, read_shown(shown).fields  # type: ignore[return-value]


def read_shown(shown: ShownAtlas) -> Manifest:
    """Reads the manifest with all checks."""
    return read_manifest(shown.mark.encode() + b"\n" + shown.text)


def read_map(shown: ShownAtlas) -> dict[str, np.ndarray]:
    names = json.loads(shown.map[8 : 8 + int.from_bytes(shown.map[:8], "little")])
    specs = {name: Spec(one["dtype"], tuple(one["shape"])) for name, one in names.items()}
    return load(shown.map, specs, "map")


def check_rows(atlas: Atlas, shown: ShownAtlas, rows: np.ndarray) -> None:
    arrays, samples = read_map(shown), atlas.samples
    for name in ("xy", "image_ids", "positions", "boxes", "labels", "predictions", "concepts"):
        np.testing.assert_array_equal(arrays[name], getattr(samples, name)[rows])
    np.testing.assert_array_equal(arrays["clamped"], samples.clamped[rows].astype(np.uint8))
    for grid in atlas.grids:
        np.testing.assert_array_equal(arrays[f"grid{grid.size}.cell_of"], grid.cell_of[rows])
        np.testing.assert_array_equal(arrays[f"grid{grid.size}.counts"], grid.counts)


def test_the_selection_depends_on_the_number_of_samples_alone(few_are_many: None) -> None:
    assert choose_shown(SHOWN).tolist() == list(range(SHOWN))
    rows = choose_shown(SAMPLES)
    assert len(rows) == SHOWN
    assert (np.diff(rows) > 0).all()
    for step in (0, 100):
        atlas = make_large_atlas(SAMPLES, step=step, grids=(3, 6), seed=step)
        check_rows(atlas, show(encode_atlas(atlas))[0], rows)


def test_the_manifest_describes_what_is_sent(few_are_many: None) -> None:
    atlas = make_large_atlas(SAMPLES, grids=(3, 6), invalid=200)
    shown, fields = show(encode_atlas(atlas))
    assert (fields.samples, fields.quality.invalid) == (SHOWN, SHOWN)
    assert [(blob.bytes, blob.crc32c) for blob in fields.blobs] == [
        (len(shown.map), checksum(shown.map)),
        (len(shown.activations), shown.activations_mark),
    ]
    assert shown.size == len(shown.text) + len(shown.map) + len(shown.activations)
    first, *others = fields.provenance.notes
    assert first == (
        "points: 120 of 600 samples are shown on the whole map; counts of cells are of all samples"
    )
    assert others[-1] == "synthetic: many samples"
    assert fields.concepts is not None
    assert fields.concepts[0].size == SAMPLES // 4


def test_a_note_counts_the_cells_without_a_sample_that_is_shown(few_are_many: None) -> None:
    atlas = make_large_atlas(SAMPLES, grids=(3, 12), min_count=1)
    _, fields = show(encode_atlas(atlas))
    grid = atlas.grids[-1]
    empty = set(range(len(grid.rows))) - set(grid.cell_of[choose_shown(SAMPLES)].tolist())
    assert fields.provenance.notes[1] == (
        f"points: in {len(empty)} of the {len(grid.rows)} cells of the 12 x 12 grid, none of these "
        "is"
    )


def test_activations_are_of_the_same_samples(few_are_many: None) -> None:
    atlas = make_large_atlas(SAMPLES, grids=(3,))
    shown, fields = show(encode_atlas(atlas))
    assert fields.activations.kind == "uint8"
    found = decode_activations(shown.activations, fields, 4, "activations")
    np.testing.assert_array_equal(found.values(), atlas.activations[choose_shown(SAMPLES)])


def test_samples_without_activations_are_rows_of_nan(few_are_many: None) -> None:
    atlas = make_large_atlas(SAMPLES, grids=(3,), invalid=100)
    shown, fields = show(encode_atlas(atlas))
    assert fields.activations.kind == "float16"
    found = decode_activations(shown.activations, fields, 4, "activations")
    np.testing.assert_array_equal(found.values(), atlas.activations[choose_shown(SAMPLES)])
    assert np.isnan(found.values()).any()


def test_a_selection_of_a_map_in_the_plain_form(
    few_are_many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", SAMPLES)
    atlas = make_large_atlas(SAMPLES, grids=(3, 6))
    shown, fields = show(encode_atlas(atlas))
    check_rows(atlas, shown, choose_shown(SAMPLES))
    found = decode_activations(shown.activations, fields, 4, "activations")
    np.testing.assert_array_equal(found.values(), atlas.activations[choose_shown(SAMPLES)])


def test_an_atlas_without_grids_or_optional_arrays(few_are_many: None) -> None:
    atlas = make_large_atlas(SAMPLES, grids=(3,))
    samples = dataclasses.replace(atlas.samples, labels=None, losses=None, noise_floor=None)
    shown, fields = show(encode_atlas(atlas.replace(samples=samples, grids=())))
    assert len(fields.provenance.notes) == 2
    assert "labels" not in read_map(shown)


def test_a_pack_of_a_million_samples_has_four_megabytes() -> None:
    atlas = make_large_atlas(1_000_000, invalid=10)
    shown, fields = show(encode_atlas(atlas))
    assert (fields.samples, fields.logged_samples) == (MAX_SHOWN, 1_000_000)
    assert len(shown.text) + len(shown.map) <= 4_000_000
    assert fields.provenance.notes[0] == (
        "points: 40,000 of 1,000,000 samples are shown on the whole map; counts of cells are of "
        "all samples"
    )


def test_values_out_of_range_are_damage(few_are_many: None) -> None:
    blobs = encode_atlas(make_large_atlas(SAMPLES, grids=(3, 6)))
    at = blobs[1].index(b'"grid6.counts"')
    begin = int(blobs[1][at:].split(b'"data_offsets":[')[1].split(b",")[0])
    start = 8 + int.from_bytes(blobs[1][:8], "little") + begin
    broken = [blobs[0], blobs[1][:start] + b"\x7f" + blobs[1][start + 1 :], blobs[2]]
    with pytest.raises(DamageError, match="grid 6: its counts are not the numbers of members"):
        show(rewrite_manifest(broken))


def test_a_manifest_that_gets_too_long_is_damage(
    few_are_many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = encode_atlas(make_large_atlas(SAMPLES, grids=(3, 6)))
    monkeypatch.setattr(
        "tensorboard_plugin_atlas.wire.manifest.MAX_MANIFEST_BYTES", len(blobs[0]) + 5
    )
    with pytest.raises(DamageError, match="manifest: too long with its notes"):
        show(blobs)


def test_shortcuts_refer_to_the_samples_that_are_shown(few_are_many: None) -> None:
    rows = choose_shown(SAMPLES).tolist()
    hidden = sorted(set(range(SAMPLES)) - set(rows))[0]
    record = make_shortcuts(100)
    chosen = (rows[7], hidden, rows[2])
    found = (dataclasses.replace(record.found[0], samples=chosen), *record.found[1:])
    manifest = read_manifest(encode_shortcuts(dataclasses.replace(record, found=found))[0])
    assert shortcuts_response(manifest)["found"][0]["samples"] == (rows[7], hidden, rows[2])
    assert shortcuts_response(manifest, SAMPLES)["found"][0]["samples"] == (7, 2)
