# SPDX-License-Identifier: Apache-2.0
"""Quality measures compared with scikit-learn and hand-computed values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from tensorboard_plugin_atlas.analysis.directions import unit_rows
from tensorboard_plugin_atlas.compute.layout import quality as quality_module
from tensorboard_plugin_atlas.compute.layout.layout import Layout, compute_layout
from tensorboard_plugin_atlas.compute.layout.quality import (
    effective_rank,
    knn_kept,
    measure_quality,
    true_ranks,
    trustworthiness,
)
from tensorboard_plugin_atlas.config import AtlasConfig


def fan(degrees):
    """Unit vectors at these angles: their order by cosine is their order by angle."""
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.mark.parametrize("k", [1, 5, 15])
@pytest.mark.parametrize("noise", [0.05, 3])
def test_trustworthiness_equals_scikit_learn(k, noise):
    random = np.random.default_rng(0)
    xy = random.uniform(size=(120, 2)).astype(np.float32)
    rows = np.hstack([xy - 0.5, noise * random.normal(size=(120, 6))])
    ranks = true_ranks(unit_rows(rows), xy, k)
    expected = sklearn_trustworthiness(rows, xy, n_neighbors=k, metric="cosine")
    assert trustworthiness(ranks, 120) == pytest.approx(expected, abs=1e-6)


def test_hand_computed_ranks_trustworthiness_and_knn_kept():
    unit = fan([0, 10, 25, 45, 70])
    xy = np.array([[0, 0], [0.9, 0], [0.2, 0], [0.5, 0], [1, 0]], np.float32)
    # Map neighbors, two each: 0 -> 2, 3; 1 -> 4, 3; 2 -> 0, 3; 3 -> 2, 1; 4 -> 1, 3.
    # True order:  0: 1 2 3 4;  1: 0 2 3 4;  2: 1 3 0 4;  3: 2 4 1 0;  4: 3 2 1 0.
    ranks = true_ranks(unit, xy, 2)
    assert ranks.tolist() == [[2, 3], [4, 3], [3, 2], [1, 3], [3, 1]]
    # Excess beyond 2: 1, 2 + 1, 1, 1, 1 = 7; 1 - 2 * 7 / (5 * 2 * (10 - 6 - 1)).
    assert trustworthiness(ranks, 5) == pytest.approx(1 - 14 / 30)
    assert knn_kept(ranks) == pytest.approx(4 / 10)


def test_ties_get_the_lowest_rank():
    unit = np.repeat(np.eye(3, dtype=np.float32), 40, axis=0)
    xy = np.repeat(np.array([[0, 0], [1, 0], [0, 1]], np.float32), 40, axis=0)
    assert (true_ranks(unit, xy, 15) == 1).all()


def test_many_samples_are_measured_on_seeded_queries(monkeypatch):
    random = np.random.default_rng(0)
    xy = random.uniform(size=(400, 2)).astype(np.float32)
    unit = unit_rows(np.hstack([xy - 0.5, 0.2 * random.normal(size=(400, 3))]))
    exact = trustworthiness(true_ranks(unit, xy, 15), 400)
    monkeypatch.setattr(quality_module, "_EXACT_UP_TO", 399)
    monkeypatch.setattr(quality_module, "_QUERIES", (200, 200))
    ranks = true_ranks(unit, xy, 15)
    assert ranks.shape == (200, 15)
    np.testing.assert_array_equal(ranks, true_ranks(unit, xy, 15))
    assert trustworthiness(ranks, 400) == pytest.approx(exact, abs=0.02)


def test_invalid_rows_are_excluded_and_counted():
    rows = np.vstack([fan([0, 10, 25, 45, 70]), [[np.nan, 1]]])
    rows = np.hstack([rows, np.ones((6, 1))])
    xy = np.array([[0, 0], [0.9, 0], [0.2, 0], [0.5, 0], [1, 0], [0.5, 0.5]], np.float32)
    layout = Layout(
        xy=xy,
        raw=xy,
        viewport=np.array([[0, 0], [1, 1]], np.float32),
        clamped=np.array([True, False, False, False, True, False]),
        invalid=np.arange(6) == 5,
        neighbors=np.zeros((6, 4), np.int32),
    )
    quality = measure_quality(rows, layout)
    assert quality.trustworthiness == pytest.approx(1 - 14 / 30)
    assert quality.knn_kept == pytest.approx(0.4)
    assert (quality.clamped, quality.invalid, quality.dead_channels) == (2, 1, 1)
    assert quality.overlap is None


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_quality_is_defined_from_three_samples_on(n):
    rows = fan([0, 10, 30, 80][:n])
    layout = compute_layout(rows, config=AtlasConfig())
    quality = measure_quality(rows, layout, layout)
    assert (quality.trustworthiness is None) == (n < 3)
    assert (quality.knn_kept is None) == (n < 3)
    np.testing.assert_array_equal(quality.overlap, np.ones(n))


def test_hand_computed_effective_rank():
    random = np.random.default_rng(0)
    # Two directions with 3/4 and 1/4 of the variance: exp(-(3/4 log 3/4 + 1/4 log 1/4)).
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    rows = signs * [np.sqrt(3), 1] + 5
    assert effective_rank(rows) == pytest.approx(4 / 3**0.75)
    assert effective_rank(rows @ np.linalg.qr(random.normal(size=(2, 2)))[0]) == pytest.approx(
        4 / 3**0.75
    )
    line = np.outer(random.normal(size=50), random.normal(size=8))
    assert effective_rank(line) == pytest.approx(1)
    cross = np.concatenate([np.eye(6), -np.eye(6)])
    assert effective_rank(cross) == pytest.approx(6)
    assert effective_rank(cross.T - cross.T.mean(axis=0)) == pytest.approx(5)


@pytest.mark.parametrize("rows", [np.zeros((5, 3)), np.full((5, 3), 7.1), np.zeros((0, 3))])
def test_effective_rank_is_none_without_variance(rows):
    assert effective_rank(rows) is None


def test_effective_rank_does_not_depend_on_scale_or_size():
    random = np.random.default_rng(0)
    rows = random.normal(size=(6000, 4)).astype(np.float32)
    for factor in (1e-30, 1, 1e30):
        assert effective_rank(rows * np.float32(factor)) == pytest.approx(4, abs=0.01)
