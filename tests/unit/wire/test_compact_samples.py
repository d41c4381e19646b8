# SPDX-License-Identifier: Apache-2.0
"""The compact form of a map is decoded to the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from atlas_strategies import atlases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from large_atlases import make_large_atlas

from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.wire.atlas_arrays import collect_map_arrays
from tensorboard_plugin_atlas.wire.compact_samples import (
    compress_map,
    expand_map,
    round_positions,
)

GRIDS = (10, 20, 40)


@pytest.fixture(scope="module")
def plain():
    return collect_map_arrays(make_large_atlas(2000, grids=GRIDS, invalid=5))


@pytest.fixture
def stored(plain):
    return compress_map(plain, GRIDS)


def check_same(arrays, others):
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        assert others[name].dtype == array.dtype, name
        assert others[name].tobytes() == array.tobytes(), name


def test_what_the_pipeline_makes_is_stored_in_25_bytes_per_sample(plain, stored):
    check_same(plain, expand_map(stored, 2000, GRIDS))
    per_sample = {
        name: array.nbytes / 2000
        for name, array in stored.items()
        if not name.startswith("grid") and not name.endswith("_values")
    }
    assert sum(per_sample.values()) == 4 + 2 + 1 + 1 + 1 + 1 + 1 + 2 + 2 + 2 + 2 / 8
    assert not any(name.endswith("cell_of") for name in stored)


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(atlases())
def test_any_map_is_decoded_to_the_same_bits(atlas):
    arrays, sizes = collect_map_arrays(atlas), [grid.size for grid in atlas.grids]
    check_same(arrays, expand_map(compress_map(arrays, sizes), len(atlas.samples), sizes))


@given(st.integers(0, 2**32 - 1))
def test_rounded_positions_take_two_bytes_each(seed):
    xy = np.random.default_rng(seed).random((50, 2), np.float32)
    rounded = round_positions(xy)
    assert rounded.dtype == np.float32
    np.testing.assert_allclose(rounded, xy, atol=1.5 / 65_535)
    assert round_positions(rounded).tobytes() == rounded.tobytes()


def test_rounded_positions_are_not_at_the_edges():
    edges = round_positions(np.array([[0, 1], [1e-9, 1 - 2**-24]], np.float32))
    assert 0 < edges.min() < edges.max() < 1


def test_signed_zeros_and_each_nan_are_kept(plain):
    arrays = dict(plain)
    arrays["xy"] = plain["xy"].copy()
    arrays["xy"][0, 0] = -0.0
    overlap = plain["overlap"].copy()
    overlap[:3] = np.array([0x7FC00000, 0x7FC00001, 0x80000000], np.uint32).view(np.float32)
    arrays["overlap"] = overlap
    stored = compress_map(arrays, GRIDS)
    assert "xy" in stored
    check_same(arrays, expand_map(stored, 2000, GRIDS))


def test_values_that_do_not_fit_in_a_table_are_stored_as_they_are():
    arrays = collect_map_arrays(make_large_atlas(70_000, grids=(4,)))
    arrays["image_ids"] = np.arange(70_000, dtype=np.int32)
    arrays["boxes"] = arrays["boxes"].copy()
    arrays["boxes"][0, 0] -= 1
    arrays["noise_floor"] = arrays["noise_floor"] + np.float32(1e-6)
    stored = compress_map(arrays, [4])
    assert {"image_ids", "boxes", "positions", "noise_floor"} <= stored.keys()
    check_same(arrays, expand_map(stored, 70_000, [4]))


def change(stored, name, value):
    stored[name] = stored[name].copy()
    stored[name].flat[0] = value


DAMAGE = {
    "a code of a label": (
        lambda s: change(s, "labels_codes", 11),
        "labels: a code outside its table of 11 entries",
    ),
    "a code of a position": (
        lambda s: change(s, "position_codes", 250),
        "positions: a code outside its table of 196 entries",
    ),
    "rows of labels that would fill the memory": (
        lambda s: s.update(
            label_sets_codes=np.zeros(2000, np.uint8),
            label_sets_values=np.zeros((1, 20_000), np.int32),
        ),
        "label_sets: more than 16,777,216 labels of all samples",
    ),
    "an empty table": (
        lambda s: s.update(overlap_values=np.zeros(0, np.float32)),
        "overlap: a code outside its table of 0 entries",
    ),
    "codes without a table": (lambda s: s.pop("concepts_values"), "concepts: half of a table"),
    "a table without codes": (lambda s: s.pop("image_ids_codes"), "image_ids: half of a table"),
    "no boxes": (lambda s: s.pop("box_values"), "positions: half of a table of positions"),
    "fewer boxes": (
        lambda s: s.update(box_values=s["box_values"][1:]),
        "positions: half of a table of positions",
    ),
    "no position": (
        lambda s: [s.pop(n) for n in ("box_values", "position_codes", "position_values")],
        "positions: stored in no form",
    ),
    "no coordinates": (lambda s: s.pop("xy_codes"), "xy: stored in no form"),
    "no image": (
        lambda s: [s.pop("image_ids_codes"), s.pop("image_ids_values")],
        "image_ids: stored in no form",
    ),
    "two coordinates": (
        lambda s: s.update(xy=np.zeros((2000, 2), np.float32)),
        "xy: stored in two forms",
    ),
    "two labels": (
        lambda s: s.update(labels=np.zeros(2000, np.int32)),
        "labels: stored in two forms",
    ),
    "two boxes": (
        lambda s: s.update(boxes=np.zeros((2000, 4), np.int32)),
        "positions: stored in two forms",
    ),
    "two noise floors": (
        lambda s: s.update(noise_floor=np.zeros(2000, np.float32)),
        "noise_floor: stored in two forms",
    ),
    "a row": (lambda s: change(s, "grid20.rows", 20), "grid 20: a row outside 0 to 19"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_refused_with_a_reason(stored, damage):
    apply, reason = DAMAGE[damage]
    apply(stored)
    with pytest.raises(DamageError, match=reason):
        expand_map(stored, 2000, GRIDS)
