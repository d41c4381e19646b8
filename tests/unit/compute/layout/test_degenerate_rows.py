# SPDX-License-Identifier: Apache-2.0
"""Layouts of degenerate activations, which must not depend on rounding."""

from __future__ import annotations

import warnings
from itertools import pairwise

import numpy as np
import pytest
from synthetic_atlases import write_atlases
from synthetic_runs import atlas_from_activations

from tensorboard_plugin_atlas import compare_atlases, read_atlases, track_concepts
from tensorboard_plugin_atlas.commands.map_relayout import relayout
from tensorboard_plugin_atlas.compute.layout.align_to_run import (
    ProbeSamples,
    compute_aligned_layout,
)
from tensorboard_plugin_atlas.compute.layout.cell_matching import find_predecessors
from tensorboard_plugin_atlas.compute.layout.grid import bin_grids, nearest_members
from tensorboard_plugin_atlas.compute.layout.layout import (
    compute_layout,
    compute_relayout,
    restore_layout,
)
from tensorboard_plugin_atlas.compute.layout.quality import measure_quality
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas

CHANNELS = 7


def config(**more):
    return AtlasConfig(**{"epochs": 40, "grids": (2, 4), "min_count": 1, **more})


def normal(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, CHANNELS))


def split(n, first, other):
    return np.where(np.arange(n)[:, None] < (n + 1) // 2, first, other)


def only(n, rows, rest):
    """Random values in the first `rows`, and `rest` in all others."""
    return np.where(np.arange(n)[:, None] < rows, normal(n), rest)


# Name to rows, number of distinct positions, and words of a note.
CASES = {
    "all zero": (lambda n: np.zeros((n, CHANNELS)), 1, "all zero; they share one position"),
    "all equal": (lambda n: np.full((n, CHANNELS), 0.1), 1, "all samples have the same direction"),
    "one direction": (
        lambda n: np.outer(2.0 ** (np.arange(n) % 5), [0.1, 0.2, 0.3, 0, 1 / 3, 7, -1]),
        1,
        "all samples have the same direction",
    ),
    "equal but for rounding": (
        lambda n: np.full((n, CHANNELS), 0.1) * (1 + 6e-8 * np.sign(normal(n))),
        1,
        "all samples have the same direction",
    ),
    "two distinct": (
        lambda n: split(n, normal(1, 1), normal(1, 2)),
        2,
        "only 2 distinct directions",
    ),
    "opposite": (lambda n: split(n, normal(1), -normal(1)), 2, "only 2 distinct directions"),
    "zero and one other": (
        lambda n: split(n, 0, normal(1)),
        2,
        "all zero; they share one position",
    ),
    "one that is not zero": (lambda n: only(n, 1, 0), 2, "all zero; they share one position"),
    "one finite": (lambda n: only(n, 1, np.nan), 1, "hold NaN or infinity"),
    "two finite": (lambda n: only(n, 2, np.inf), 2, "hold NaN or infinity"),
    "four finite": (lambda n: only(n, 4, -np.inf), 4, "hold NaN or infinity"),
    "one direction and NaN": (
        lambda n: np.where(np.arange(n)[:, None] % 2, np.nan, 3.0) * np.ones(CHANNELS),
        1,
        "all samples have the same direction",
    ),
    "few distinct": (lambda n: normal(5)[np.arange(n) % 5], 5, "only 5 distinct directions"),
    "equally far apart": (
        lambda n: np.eye(CHANNELS)[np.arange(n) % CHANNELS],
        7,
        "7 distinct directions",
    ),
}
EACH = pytest.mark.parametrize("name", CASES)


@pytest.fixture(autouse=True)
def no_warning():
    with np.errstate(divide="raise", invalid="raise", over="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def rows_of(name, n=40, dtype=np.float32):
    return CASES[name][0](n).astype(dtype)


def check(layout, name, rows):
    _, positions, expected = CASES[name]
    finite = np.isfinite(rows).all(axis=1)
    xy = layout.xy[finite]
    assert np.isfinite(layout.raw).all()
    assert ((layout.xy > 0) & (layout.xy < 1)).all()
    assert (layout.viewport[1] > layout.viewport[0]).all()
    assert (layout.invalid == ~finite).all()
    assert len(np.unique(xy, axis=0)) == positions
    assert expected in " ".join(layout.notes)
    if positions == 1:
        np.testing.assert_array_equal(xy, 0.5)
    elif positions > 2:
        # Distinct positions are distinguishable on a map of a thousand pixels, along both axes.
        assert (np.ptp(xy, axis=0) > 0.01).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@EACH
def test_a_first_map(name, dtype):
    rows = rows_of(name, dtype=dtype)
    layout = compute_layout(rows, config=config())
    check(layout, name, rows)
    levels, _ = bin_grids(layout, rows, config=config())
    assert sum(levels[0].counts) == (~layout.invalid).sum()
    assert (nearest_members(levels[0], rows, 2)[:, 0] >= 0).all()
    quality = measure_quality(rows, layout)
    assert quality.trustworthiness is None or quality.trustworthiness > 0.8
    if CASES[name][1] == 1 and name != "one direction":
        assert quality.effective_rank is None or quality.effective_rank < 1.1


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
@EACH
def test_a_map_of_few_rows(name, n):
    rows = rows_of(name, n)
    if np.isfinite(rows).all(axis=1).any():
        layout = compute_layout(rows, config=config())
        assert ((layout.xy > 0) & (layout.xy < 1)).all()
        measure_quality(rows, layout, compute_layout(rows, layout, config=config()))


@pytest.mark.parametrize("is_line", [False, True], ids=["map", "line"])
@pytest.mark.parametrize("stability", [0, 1])
@EACH
def test_it_continues_a_valid_map_itself_and_is_continued_by_a_valid_one(name, stability, is_line):
    rows, sound, recipe = rows_of(name), normal(40).astype(np.float32), config(stability=stability)
    layout = compute_layout(sound, config=recipe, is_line=is_line)
    for step in (rows, rows, sound):
        before, layout = layout, compute_layout(step, layout, config=recipe, is_line=is_line)
        assert np.isfinite(layout.raw).all()
        assert ((layout.xy > 0) & (layout.xy < 1)).all()
        assert np.isfinite(layout.noise_floor).all() if layout.noise_floor is not None else True
        levels = [bin_grids(one, step, config=recipe)[0][0] for one in (before, layout)]
        assert (find_predecessors(levels[1], levels[0], step) >= -1).all()
        overlap = measure_quality(step, layout, before).overlap
        assert ((overlap >= 0) & (overlap <= 1)).all()
    assert len(np.unique(layout.xy, axis=0)) == 40
    backwards = compute_relayout([sound, rows, sound], recipe)
    assert all(np.isfinite(one.raw).all() for one in backwards)


@EACH
def test_equal_rows_do_not_move(name):
    rows = rows_of(name)
    first = compute_layout(rows, config=config())
    again = compute_layout(rows, first, config=config())
    resumed = compute_layout(
        rows,
        restore_layout(first.xy, rows, viewport=first.viewport_corners, config=config()),
        config=config(),
    )
    finite = ~first.invalid
    np.testing.assert_allclose(again.xy[finite], first.xy[finite], atol=2e-3)
    np.testing.assert_allclose(resumed.xy[finite], first.xy[finite], atol=2e-3)


@EACH
def test_another_run_is_aligned_to_it(name):
    rows = rows_of(name)
    layout = compute_layout(rows, config=config())
    other = atlas_from_activations(np.nan_to_num(rows, posinf=0, neginf=0))
    other = other.replace(run="a", viewport=layout.viewport_corners)
    samples = ProbeSamples(
        digest="other", image_ids=other.image_ids, boxes=other.boxes, labels=other.all_labels
    )
    beside, note = compute_aligned_layout(
        other, samples, normal(40).astype(np.float32), config=config()
    )
    assert ((beside.xy > 0) & (beside.xy < 1)).all()
    assert "40 of 40 samples" in note


@EACH
def test_its_atlas_can_be_tracked_compared_logged_and_recomputed(name, tmp_path):
    sound = normal(40).astype(np.float32)
    rows = rows_of(name)
    found = [
        atlas_from_activations(one, step=10 * i, sequence=i + 1)
        for i, one in enumerate((sound, rows, sound))
    ]
    for before, after in pairwise(found):
        diff = compare_atlases(before, after)
        assert np.isfinite(diff.displacement).all()
    track_concepts(found)
    for one in found:
        decode_atlas(encode_atlas(one))
    write_atlases(tmp_path / "a", found)
    relayout(tmp_path, progress=False)
    again = list(read_atlases(tmp_path, run="a/backwards"))
    assert [one.step for one in again] == [0, 10, 20]
    for one in again:
        assert ((one.xy > 0) & (one.xy < 1)).all()
    assert CASES[name][2] in " ".join(again[1].provenance.notes)


def test_a_run_of_zeros_can_be_recomputed(tmp_path):
    found = [atlas_from_activations(rows_of("all zero"), step=i, sequence=i + 1) for i in range(3)]
    write_atlases(tmp_path / "a", found)
    relayout(tmp_path, progress=False)
    for one in read_atlases(tmp_path, run="a/backwards"):
        np.testing.assert_array_equal(one.xy, 0.5)
        assert any("share one position" in note for note in one.provenance.notes)
