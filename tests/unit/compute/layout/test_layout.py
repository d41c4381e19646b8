# SPDX-License-Identifier: Apache-2.0
"""Layouts of real data, their continuation, and degenerate input."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from tensorboard_plugin_atlas.compute.layout import layout as layout_module
from tensorboard_plugin_atlas.compute.layout.layout import (
    compute_layout,
    compute_relayout,
    restore_layout,
)
from tensorboard_plugin_atlas.compute.layout.quality import measure_quality
from tensorboard_plugin_atlas.compute.layout.viewport import VIEWPORT_CHANGED
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

CONFIG = AtlasConfig(epochs=100)


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:600].astype(np.float16)


@pytest.fixture(scope="module")
def digits_layout(digits):
    return compute_layout(digits, config=CONFIG)


def random_rows(n, c=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n, c)).astype(np.float32)


def check_valid(layout, n, k=15):
    assert layout.xy.shape == layout.raw.shape == (n, 2)
    assert layout.xy.dtype == layout.raw.dtype == layout.viewport.dtype == np.float32
    assert layout.neighbors.dtype == np.int32
    assert layout.neighbors.shape == (n, k)
    assert np.isfinite(layout.raw).all()
    assert ((layout.xy >= 0) & (layout.xy <= 1)).all()
    assert layout.clamped.shape == layout.invalid.shape == (n,)


def test_digits_keep_their_neighbors_and_their_classes(digits, digits_layout):
    check_valid(digits_layout, 600)
    quality = measure_quality(digits, digits_layout)
    assert quality.trustworthiness > 0.9
    assert quality.knn_kept > 0.4
    labels = load_digits().target[:600]
    centers = np.stack([digits_layout.xy[labels == c].mean(axis=0) for c in range(10)])
    own = np.linalg.norm(digits_layout.xy - centers[labels], axis=1).mean()
    other = np.linalg.norm(digits_layout.xy - centers[(labels + 5) % 10], axis=1).mean()
    assert own < other / 2


def test_equal_input_gives_equal_bytes_and_another_seed_another_map(digits, digits_layout):
    again = compute_layout(digits, config=CONFIG)
    np.testing.assert_array_equal(again.xy, digits_layout.xy)
    other = compute_layout(digits, config=dataclasses.replace(CONFIG, seed=1))
    assert not np.array_equal(other.xy, digits_layout.xy)


def drift(digits, seed=0, scale=2.0):
    """The digits after a small random change."""
    noise = np.random.default_rng(seed).normal(scale=scale, size=digits.shape)
    return (digits + noise).astype(np.float32)


def test_the_next_step_starts_from_the_previous_coordinates(digits, digits_layout):
    # The previous map is mirrored, as no fresh layout would come out: the next must stay mirrored.
    low, high = digits_layout.viewport[:, 0]
    mirrored = dataclasses.replace(
        digits_layout,
        raw=np.stack([low + high - digits_layout.raw[:, 0], digits_layout.raw[:, 1]], axis=1),
        xy=np.stack([1 - digits_layout.xy[:, 0], digits_layout.xy[:, 1]], axis=1),
    )
    noisy = drift(digits)
    continued = compute_layout(noisy, mirrored, config=CONFIG)
    moved = np.linalg.norm(continued.xy - mirrored.xy, axis=1).mean()
    assert moved < np.linalg.norm(continued.xy - digits_layout.xy, axis=1).mean() / 5
    assert continued.viewport is mirrored.viewport
    quality = measure_quality(noisy, continued, mirrored)
    assert quality.trustworthiness > 0.9
    assert 0.3 < quality.overlap.mean() < 1


def test_an_unchanged_network_has_the_same_map_and_no_significant_displacement(
    digits, digits_layout
):
    again = compute_layout(digits, digits_layout, config=CONFIG)
    np.testing.assert_array_equal(again.raw, digits_layout.raw)
    np.testing.assert_array_equal(again.xy, digits_layout.xy)
    assert digits_layout.noise_floor is None
    assert again.noise_floor.dtype == np.float32
    np.testing.assert_allclose(again.noise_floor, 0.001)


def test_stability_trades_motion_for_fit(digits, digits_layout):
    noisy = drift(digits)
    moves, trust = [], []
    for stability in (0, 0.3, 10):
        config = dataclasses.replace(CONFIG, stability=stability)
        layout = compute_layout(noisy, digits_layout, config=config)
        moves.append(np.linalg.norm(layout.xy - digits_layout.xy, axis=1).mean())
        trust.append(measure_quality(noisy, layout).trustworthiness)
    assert moves[0] > 2 * moves[1] > 2.2 * moves[2]
    assert trust[1] > trust[2] - 0.002
    assert min(trust) > 0.9


def swap_samples(digits, one, other):
    """Swaps twenty samples of each of two digits."""
    labels = load_digits().target[:600]
    ones, others = np.flatnonzero(labels == one)[:20], np.flatnonzero(labels == other)[:20]
    rows = digits.copy()
    rows[ones], rows[others] = digits[others], digits[ones]
    return rows, np.isin(np.arange(600), np.concatenate([ones, others]))


@pytest.mark.parametrize("seed", range(5))
def test_samples_that_changed_move_above_the_floor_and_the_rest_below(digits, seed):
    # Zeros and sixes have one place each on any map: of 200 seeds none leaves a sample below.
    config = dataclasses.replace(CONFIG, seed=seed)
    before = compute_layout(digits, config=config)
    rows, changed = swap_samples(digits, 0, 6)
    layout = compute_layout(rows, before, config=config)
    moves = np.linalg.norm(layout.xy - before.xy, axis=1)
    significant = moves > layout.noise_floor
    assert significant[changed].mean() > 0.95
    assert significant[~changed].mean() < 0.05


@pytest.mark.parametrize("seed", [0, 100, 200])
def test_the_floor_covers_moves_between_equally_good_positions(digits, seed):
    # Fours form two clusters, and one of them fits at two positions. The seed decides: on one
    # map in five it moved no farther than chance can move it, and the floor must say so.
    config = dataclasses.replace(CONFIG, seed=seed)
    before = compute_layout(digits, config=config)
    rows, changed = swap_samples(digits, 4, 9)
    layout = compute_layout(rows, before, config=config)
    chance = []
    for other in range(seed + 10, seed + 14):
        again = compute_layout(rows, before, config=dataclasses.replace(config, seed=other))
        chance.append(np.linalg.norm(again.xy - layout.xy, axis=1) > layout.noise_floor)
    assert np.mean(chance) < 0.06
    moves = np.linalg.norm(layout.xy - before.xy, axis=1)
    assert (moves > layout.noise_floor)[~changed].mean() < 0.05


def test_independent_maps_are_aligned_to_the_previous_one(digits, digits_layout):
    config = dataclasses.replace(CONFIG, stability=0)
    turn = np.array([[0, 1], [-1, 0]], np.float32)
    turned = dataclasses.replace(digits_layout, raw=digits_layout.raw @ turn)
    layout = compute_layout(digits, turned, config=config)
    # The same samples and seed give the same map; all that is left is the turn.
    np.testing.assert_allclose(layout.raw, turned.raw, atol=1e-3)


def test_umap_learns_optimizer_is_the_reference(digits):
    config = dataclasses.replace(CONFIG, layout="umap", epochs=50)
    first = compute_layout(digits[:150], config=config)
    later = compute_layout(drift(digits[:150]), first, config=config)
    assert measure_quality(digits[:150], first).trustworthiness > 0.9
    moved = np.linalg.norm(later.xy - first.xy, axis=1).mean()
    assert 0 < moved < 0.2
    assert later.noise_floor is not None


def test_a_previous_viewport_that_does_not_fit_is_replaced_with_a_note(digits, digits_layout):
    for factor in (0.3, 4):
        viewport = digits_layout.viewport * np.float32(factor)
        continued = compute_layout(
            digits, dataclasses.replace(digits_layout, viewport=viewport), config=CONFIG
        )
        assert VIEWPORT_CHANGED in continued.notes
        assert continued.clamped.mean() < 0.05


def test_the_last_map_of_a_relayout_is_as_good_as_an_independent_one(digits):
    steps = [drift(digits, scale=scale) for scale in (6, 3, 0)]
    layouts = compute_relayout(steps, CONFIG)
    np.testing.assert_array_equal(layouts[2].raw, compute_layout(steps[2], config=CONFIG).raw)
    before = compute_layout(steps[1], layouts[2], config=CONFIG)
    np.testing.assert_array_equal(layouts[1].raw, before.raw)
    # The floor of the move from the second to the last was learned while laying out the second.
    np.testing.assert_array_equal(layouts[2].noise_floor, before.noise_floor)
    assert layouts[0].noise_floor is None
    assert all(layout.viewport is layouts[2].viewport for layout in layouts)
    assert compute_relayout([], CONFIG) == []


def test_another_run_with_another_width_can_be_continued(digits, digits_layout):
    narrow = digits[:, ::2]
    layout = compute_layout(narrow, digits_layout, config=CONFIG)
    assert layout.viewport is digits_layout.viewport
    labels = load_digits().target[:600]
    for digit in range(10):
        before, now = (m.xy[labels == digit].mean(axis=0) for m in (digits_layout, layout))
        assert np.linalg.norm(before - now) < 0.15


def test_torch_threads_are_unchanged(digits, digits_layout):
    threads = torch.get_num_threads()
    compute_layout(digits[:50], config=CONFIG)
    assert torch.get_num_threads() == threads


def test_a_layout_is_restored_from_a_log(digits, digits_layout):
    viewport = json.loads(json.dumps(digits_layout.viewport_corners))
    resumed = restore_layout(digits_layout.xy, digits, viewport=viewport, config=CONFIG)
    np.testing.assert_array_equal(resumed.xy, digits_layout.xy)
    np.testing.assert_array_equal(resumed.neighbors, digits_layout.neighbors)
    np.testing.assert_array_equal(resumed.clamped, digits_layout.clamped)
    np.testing.assert_array_equal(resumed.viewport, digits_layout.viewport)
    np.testing.assert_allclose(resumed.raw, digits_layout.raw, atol=1e-4)
    unchanged = compute_layout(digits, resumed, config=CONFIG)
    np.testing.assert_allclose(unchanged.xy, digits_layout.xy, atol=1e-6)


def test_the_viewport_of_an_old_log_is_estimated(digits, digits_layout):
    resumed = restore_layout(digits_layout.xy, digits, config=CONFIG)
    assert resumed.viewport.tolist() == [[0, 0], [20, 20]]
    continued = compute_layout(drift(digits), resumed, config=CONFIG)
    moved = np.linalg.norm(continued.xy - digits_layout.xy, axis=1).mean()
    assert moved < 0.15


def test_one_sample_lies_in_the_center():
    layout = compute_layout(np.ones((1, 4), np.float32), config=CONFIG)
    check_valid(layout, 1, k=0)
    np.testing.assert_allclose(layout.xy, [[0.5, 0.5]])


@pytest.mark.parametrize("n", [2, 3, 4, 5, 11, 16])
def test_fewer_samples_than_neighbors(n):
    layout = compute_layout(random_rows(n), config=CONFIG)
    check_valid(layout, n, k=min(15, n - 1))
    assert len(np.unique(layout.xy, axis=0)) == n
    assert not layout.clamped.all()


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_equal_rows_are_at_the_center(value):
    layout = compute_layout(np.full((40, 6), value, np.float32), config=CONFIG)
    check_valid(layout, 40)
    np.testing.assert_allclose(layout.xy, np.full((40, 2), 0.5))
    assert any("share one position" in note for note in layout.notes)


def test_hundreds_of_duplicates_share_a_position():
    rows = np.repeat(random_rows(30), 20, axis=0)
    layout = compute_layout(rows, config=CONFIG)
    check_valid(layout, 600)
    assert len(np.unique(layout.xy, axis=0)) == 30
    assert (layout.xy.reshape(30, 20, 2) == layout.xy[::20, None]).all()
    assert any("30 distinct directions" in note for note in layout.notes)
    assert measure_quality(rows, layout).trustworthiness > 0.8


@pytest.mark.parametrize("shape", [(8, 4), (40, 8), (40, 512), (300, 64)])
def test_maps_of_little_structure_do_not_depend_on_rounding(shape):
    moves = []
    for seed in range(5):
        rows = random_rows(*shape, seed=seed)
        layout = compute_layout(rows, config=AtlasConfig())
        assert (np.ptp(layout.xy, axis=0) > (0.01 if len(rows) < 10 else 0.3)).all()
        assert len(np.unique(layout.xy, axis=0)) == len(rows)
        rounded = 1 + 1e-7 * np.random.default_rng(9).normal(size=shape)
        beside = compute_layout((rows * rounded).astype(np.float32), config=AtlasConfig())
        moves.append(np.median(np.linalg.norm(beside.xy - layout.xy, axis=1)))
    # Two maps that have nothing to do with each other differ by 0.4.
    assert np.median(moves) < 0.1


def test_zero_rows_and_dead_channels():
    rows = random_rows(60)
    rows[:, 3] = 0
    rows[10:20] = 0
    layout = compute_layout(rows, config=CONFIG)
    check_valid(layout, 60)
    assert len(np.unique(layout.xy[10:20], axis=0)) == 1
    assert any("10 samples are all zero" in note for note in layout.notes)
    assert measure_quality(rows, layout).dead_channels == 1


def test_invalid_rows_are_flagged_and_do_not_affect_others():
    rows = random_rows(60)
    broken = np.insert(rows, [20, 40], np.nan, axis=0)
    broken[20, 1:] = 0.5
    broken[41] = np.inf
    layout = compute_layout(broken, config=CONFIG)
    check_valid(layout, 62)
    assert np.flatnonzero(layout.invalid).tolist() == [20, 41]
    np.testing.assert_allclose(layout.xy[[20, 41]], 0.5, atol=1e-6)
    assert not layout.clamped[[20, 41]].any()
    assert (layout.neighbors[[20, 41]] == -1).all()
    assert not np.isin(layout.neighbors, [20, 41]).any()
    np.testing.assert_array_equal(
        layout.xy[~layout.invalid], compute_layout(rows, config=CONFIG).xy
    )
    assert any("2 samples hold NaN" in note for note in layout.notes)
    assert measure_quality(broken, layout).invalid == 2


def test_a_row_that_becomes_invalid_keeps_its_coordinates():
    rows = random_rows(60)
    before = compute_layout(rows, config=CONFIG)
    rows[7] = np.nan
    after = compute_layout(rows, before, config=CONFIG)
    np.testing.assert_array_equal(after.raw[7], before.raw[7])
    assert after.invalid[7]


def test_a_map_starts_over_after_a_collapse():
    dead = compute_layout(np.zeros((60, 8), np.float32), config=CONFIG)
    layout = compute_layout(random_rows(60), dead, config=CONFIG)
    assert any("started over" in note for note in layout.notes)
    np.testing.assert_array_equal(layout.raw, compute_layout(random_rows(60), config=CONFIG).raw)


def test_equal_coordinates_can_separate():
    rows = random_rows(60)
    rows[1] = rows[0]
    before = compute_layout(rows, config=CONFIG)
    rows[1] = -rows[0]
    after = compute_layout(rows, before, config=CONFIG)
    np.testing.assert_array_equal(before.raw[0], before.raw[1])
    assert np.linalg.norm(after.xy[0] - after.xy[1]) > 0.1


@pytest.mark.parametrize(
    "rows",
    [
        random_rows(50, c=1),
        np.abs(random_rows(50, c=1)),
        random_rows(50).astype(np.float16),
        random_rows(50) * np.float32(1e37),
        random_rows(50).astype(np.float64) * 1e200,
    ],
    ids=["one channel", "one positive channel", "half precision", "huge", "beyond float32"],
)
def test_extreme_values_give_a_valid_map(rows):
    check_valid(compute_layout(rows, config=CONFIG), 50)


def test_the_scale_of_the_activations_does_not_matter():
    rows = random_rows(50)
    np.testing.assert_array_equal(
        compute_layout(rows * 1024, config=CONFIG).xy, compute_layout(rows, config=CONFIG).xy
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.full((9, 3), np.nan), "all 9 samples hold NaN"),
        (np.empty((0, 3)), r"shape \(0, 3\)"),
        (np.empty((3, 0)), r"shape \(3, 0\)"),
        (np.ones(4), r"shape \(4,\)"),
        (np.ones((4, 2), int), "int64"),
    ],
)
def test_input_without_a_map_is_reported(rows, message):
    with pytest.raises(ArgumentError, match=message):
        compute_layout(rows, config=CONFIG)


def test_another_number_of_samples_is_rejected():
    before = compute_layout(random_rows(3), config=CONFIG)
    with pytest.raises(ArgumentError, match="previous: a layout of 3 samples"):
        compute_layout(random_rows(4), before, config=CONFIG)


def test_many_samples_have_approximate_neighbors_and_a_note(monkeypatch, digits):
    monkeypatch.setattr(layout_module, "_EXACT_UP_TO", 300)
    rows = digits[:400].astype(np.float32)
    rows[5] = np.nan
    rows[[7, 9, 300]] = rows[8]
    layout = compute_layout(rows, config=CONFIG)
    (note,) = (note for note in layout.notes if "approximate" in note)
    assert "above 300 samples" in note
    assert float(note.split(";")[1].split("%")[0]) > 95
    np.testing.assert_array_equal(layout.xy[[7, 9, 300]], layout.xy[[8, 8, 8]])
    assert (layout.neighbors[5] == -1).all()
    valid = np.delete(np.arange(400), 5)
    assert (layout.neighbors[valid] != valid[:, None]).all()
    assert not (layout.neighbors[valid] == -1).any()

    def read(previous):
        return restore_layout(previous.xy, rows, viewport=previous.viewport_corners, config=CONFIG)

    assert (read(layout).neighbors == layout.neighbors).mean() > 0.99
    later = compute_layout(rows, layout, config=CONFIG)
    assert later.noise_floor is not None
    assert np.linalg.norm(later.xy - layout.xy, axis=1)[valid].mean() < 0.02


def test_few_samples_have_exact_neighbors(monkeypatch, digits):
    monkeypatch.setattr(layout_module, "_EXACT_UP_TO", 300)
    layout = compute_layout(digits[:300], config=CONFIG)
    assert not any("approximate" in note for note in layout.notes)
