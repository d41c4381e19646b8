# SPDX-License-Identifier: Apache-2.0
"""Tiles of the samples that are not in what the tab gets of an atlas at once."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from blob_damage import rewrite_manifest
from large_atlases import make_large_atlas
from safetensors.numpy import load

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.sample_subset import order_samples
from tensorboard_plugin_atlas.wire import point_tiles, shown_samples
from tensorboard_plugin_atlas.wire.atlas_codec import (
    AtlasManifest,
    checksum,
    encode_atlas,
    read_manifest,
)
from tensorboard_plugin_atlas.wire.limits import MAX_TILE_LEVEL, MAX_TILE_POINTS
from tensorboard_plugin_atlas.wire.point_tiles import (
    EMPTY_INDEX,
    PointIndex,
    Tile,
    index_points,
    parse_tile,
    read_tile,
)
from tensorboard_plugin_atlas.wire.shown_samples import choose_shown, show_samples

SAMPLES, STORED, SHOWN, POINTS = 3_000, 300, 120, 40
LAST_CODE = 65_535
Arrays = dict[str, np.ndarray]


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", STORED)
    monkeypatch.setattr(shown_samples, "MAX_SHOWN", SHOWN)
    monkeypatch.setattr(point_tiles, "MAX_TILE_POINTS", POINTS)


def index_blobs(blobs: list[bytes]) -> PointIndex | None:
    manifest = read_manifest(blobs[0])
    assert isinstance(manifest.fields, AtlasManifest)
    return index_points(manifest, manifest.fields, blobs[1])


def index_atlas(atlas: Atlas) -> PointIndex:
    index = index_blobs(encode_atlas(atlas))
    assert index is not None
    return index


def read(index: PointIndex, *tile: int) -> Arrays:
    return load(index.encode_tile(Tile(*tile)))


def list_tiles(level: int) -> list[Tile]:
    side = range(2**level)
    return [Tile(level, column, row) for row, column in itertools.product(side, side)]


def names(arrays: Arrays) -> list[tuple[int, int]]:
    """Returns the coordinates of samples, which are all different in these atlases."""
    return [(x, y) for x, y in arrays["points"][:, :2].tolist()]


def make_distinct_atlas(**more: Any) -> Atlas:
    """Returns an atlas in which no two samples are at the same position on the map."""
    atlas = make_large_atlas(SAMPLES, grids=(3, 6), **more)
    codes = np.rint(atlas.xy * np.float64(LAST_CODE)).astype(int)
    assert len(np.unique(codes, axis=0)) == SAMPLES
    return atlas


def codes_of(atlas: Atlas, samples: np.ndarray) -> list[tuple[int, int]]:
    codes = np.rint(atlas.xy[samples] * np.float64(LAST_CODE)).astype(int)
    return [(x, y) for x, y in codes.tolist()]


def test_every_sample_is_shown_or_in_one_tile_of_the_finest_level(few_are_many: None) -> None:
    atlas = make_distinct_atlas()
    index = index_atlas(atlas)
    found = [one for tile in list_tiles(MAX_TILE_LEVEL) for one in names(read(index, *tile))]
    found += codes_of(atlas, choose_shown(SAMPLES))
    assert len(found) == SAMPLES
    assert set(found) == set(codes_of(atlas, np.arange(SAMPLES)))


@pytest.mark.parametrize("level", [1, 2, 5])
def test_a_tile_holds_the_first_samples_of_its_part_of_the_map(
    level: int, few_are_many: None
) -> None:
    atlas = make_distinct_atlas()
    index = index_atlas(atlas)
    hidden = order_samples(SAMPLES)[SHOWN:]
    parts = np.floor(atlas.xy[hidden].astype(np.float64) * 2**level).astype(int)
    total = 0
    for tile in list_tiles(level):
        arrays = read(index, *tile)
        own = hidden[(parts == (tile.column, tile.row)).all(axis=1)]
        assert arrays["hidden"].tolist() == [len(own)]
        assert names(arrays) == codes_of(atlas, own[:POINTS])
        total += len(own)
    assert total == SAMPLES - SHOWN


def test_tiles_are_nested(few_are_many: None) -> None:
    index = index_atlas(make_distinct_atlas())
    for tile in list_tiles(3):
        inner: set[tuple[int, int]] = set()
        counts = 0
        for right, down in itertools.product((0, 1), (0, 1)):
            arrays = read(index, 4, 2 * tile.column + right, 2 * tile.row + down)
            inner |= set(names(arrays))
            counts += int(arrays["hidden"][0])
        outer = read(index, *tile)
        assert set(names(outer)) <= inner
        assert outer["hidden"][0] == counts


def test_a_tile_has_what_colors_depend_on(few_are_many: None) -> None:
    atlas = make_distinct_atlas(invalid=1_000)
    arrays = read(index_atlas(atlas), 2, 1, 1)
    by_name = {name: row for row, name in enumerate(codes_of(atlas, np.arange(SAMPLES)))}
    rows = np.array([by_name[one] for one in names(arrays)])
    assert len(rows) == POINTS
    samples = atlas.samples
    assert samples.labels is not None
    assert samples.predictions is not None
    assert (samples.labels[rows] < 0).any()
    assert samples.concepts is not None
    _, _, labels, predictions, concepts, outside = arrays["points"].T
    assert labels.tolist() == (samples.labels[rows] + 1).tolist()
    assert predictions.tolist() == (samples.predictions[rows] + 1).tolist()
    listed = [-1, *(one.id for one in atlas.concepts or ())]
    assert [listed[code] for code in concepts] == samples.concepts[rows].tolist()
    assert outside.tolist() == (rows < 1_000).astype(int).tolist()
    assert 0 < outside.sum() < POINTS


def test_of_several_labels_a_point_has_the_first(few_are_many: None) -> None:
    plain = make_distinct_atlas()
    assert plain.labels is not None
    sets = np.stack([plain.labels, np.full_like(plain.labels, 7)], axis=1)
    samples = dataclasses.replace(plain.samples, labels=None, label_sets=sets)
    tiles = [read(index_atlas(one), 2, 1, 1) for one in (plain, plain.replace(samples=samples))]
    np.testing.assert_array_equal(*(arrays["points"] for arrays in tiles))


def test_values_that_the_atlas_lacks_are_zero(few_are_many: None) -> None:
    atlas = make_distinct_atlas()
    samples = dataclasses.replace(atlas.samples, labels=None, predictions=None, concepts=None)
    index = index_atlas(atlas.replace(samples=samples, grids=(), concepts=None))
    assert not read(index, 1, 0, 0)["points"][:, 2:].any()


def test_the_mark_is_the_checksum_of_the_map_that_the_tab_gets(few_are_many: None) -> None:
    blobs = encode_atlas(make_distinct_atlas())
    manifest = read_manifest(blobs[0])
    assert isinstance(manifest.fields, AtlasManifest)
    shown = show_samples(manifest, manifest.fields, blobs[1], blobs[2])
    index = index_blobs(blobs)
    assert index is not None
    assert index.mark == checksum(shown.map)


def test_positions_at_the_far_edge_are_in_the_last_tile(
    few_are_many: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", SAMPLES)
    atlas = make_distinct_atlas()
    atlas = atlas.replace(
        samples=dataclasses.replace(atlas.samples, xy=np.ones_like(atlas.xy)), grids=()
    )
    arrays = read(index_atlas(atlas), MAX_TILE_LEVEL, 127, 127)
    assert arrays["hidden"].tolist() == [SAMPLES - SHOWN]
    assert (arrays["points"][:, :2] == LAST_CODE - 1).all()


def test_classes_that_do_not_fit_have_no_index(few_are_many: None) -> None:
    atlas = make_distinct_atlas()
    for last, has_index in ((65_534, True), (65_535, False)):
        labels = np.full(SAMPLES, last, np.int32)
        large = atlas.replace(samples=dataclasses.replace(atlas.samples, labels=labels))
        index = index_blobs(encode_atlas(large.replace(classes=None)))
        assert (index is not None) == has_index
        if index is not None:
            assert (index.points[:, 2] == last + 1).all()


def test_an_index_of_no_samples_has_empty_tiles() -> None:
    arrays = read(EMPTY_INDEX, 7, 127, 127)
    assert (arrays["points"].shape, arrays["hidden"].tolist()) == ((0, 6), [0])


def test_a_million_samples_within_the_limits() -> None:
    index = index_atlas(make_large_atlas(1_000_000, invalid=10))
    assert index.size < 15 << 20
    middle = [index.encode_tile(Tile(level, *[2 ** (level - 1)] * 2)) for level in range(1, 8)]
    assert max(map(len, middle)) <= 32_000
    sizes = [len(load(one)["points"]) for one in middle]
    assert sizes[:4] == [MAX_TILE_POINTS] * 4
    assert [int(load(one)["hidden"][0]) for one in middle][4:] != sizes[:3]
    assert sizes[-1] == load(middle[-1])["hidden"][0] > 0


def test_samples_of_a_concept_that_is_not_listed_are_damage(few_are_many: None) -> None:
    blobs = encode_atlas(make_distinct_atlas())
    changed = rewrite_manifest(blobs, lambda document: document["concepts"].pop())
    with pytest.raises(DamageError, match="concepts: a sample of one that its manifest does not"):
        index_blobs(changed)


def test_values_out_of_range_are_damage(few_are_many: None) -> None:
    blobs = encode_atlas(make_distinct_atlas())
    at = blobs[1].index(b'"grid6.counts"')
    begin = int(blobs[1][at:].split(b'"data_offsets":[')[1].split(b",")[0])
    start = 8 + int.from_bytes(blobs[1][:8], "little") + begin
    broken = [blobs[0], blobs[1][:start] + b"\x7f" + blobs[1][start + 1 :], blobs[2]]
    with pytest.raises(DamageError, match="grid 6: its counts are not the numbers of members"):
        index_blobs(rewrite_manifest(broken))


@pytest.mark.parametrize("level", range(1, MAX_TILE_LEVEL + 1))
def test_the_name_of_a_tile(level: int) -> None:
    last = 2**level - 1
    assert parse_tile(f"{level}.0.{last}") == read_tile(f"{level}.0.{last}") == (level, 0, last)
    for wrong in (f"{level}.{last + 1}.0", f"{level}.0.{last + 1}"):
        assert parse_tile(wrong) is None


@pytest.mark.parametrize(
    "name",
    [
        *("", "1", "1.0", "1.0.0.0", "0.0.0", "8.0.0", "10.0.0", "1.-1.0", "1.0.+1", "1.00.1"),
        *("1.0.1 ", " 1.0.1", "1.0.1\n", "1,0,1", "1.0.0x1", "1.\u0661.0", "7.1000.0", "1..0"),
    ],
)
def test_other_names_are_refused(name: str) -> None:
    assert parse_tile(name) is None
    with pytest.raises(ValueError, match=r"pass level\.column\.row of a tile"):
        read_tile(name)
