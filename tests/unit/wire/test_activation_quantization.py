# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.sample_subset import choose_first
from tensorboard_plugin_atlas.wire.activation_quantization import (
    SELECTED_BYTES,
    count_largest_bytes,
    count_selected,
    select_samples,
    store_activations,
)


def test_small_arrays_are_kept_in_half_precision() -> None:
    values = np.array([[1.0, -2.5], [0.1, np.nan], [np.inf, 0.0]], np.float32)
    stored = store_activations(values)
    assert (stored.kind, stored.lost_variance) == ("float16", 0.0)
    np.testing.assert_array_equal(stored.values(), values.astype(np.float16))


def test_values_beyond_half_range_are_clipped_and_the_loss_is_measured() -> None:
    stored = store_activations(np.array([[1e6], [-1e6], [3.0]], np.float32))
    assert stored.values().ravel().tolist() == [65504.0, -65504.0, 3.0]
    assert stored.lost_variance == pytest.approx((1e6 - 65504) ** 2 / 1e12, rel=1e-4)


@pytest.mark.parametrize(
    ("values", "lost"),
    [
        ([1e-9, -1e-9, 3e-9], 11 / 8),  # all become zero, which also loses the mean
        ([1e-40, -1e-40, 0.0], 1.0),
        ([1000.1, 1000.0, 999.9], 1.0),  # the steps of half precision are 0.5 there
        ([1000.5, 1000.0, 999.5], 0.0),
        ([0.1, 0.2, 0.7], 0.0),
    ],
)
def test_the_loss_of_half_precision_is_measured(values: list[float], lost: float) -> None:
    stored = store_activations(np.array(values, np.float32)[:, None])
    assert stored.kind == "float16"
    assert stored.lost_variance == pytest.approx(min(lost, 1.0))


def test_uint8_keeps_the_ends_of_each_channel_exactly() -> None:
    # 4 x 2 values: 16 bytes in half precision, 8 + 16 as uint8 with its scales.
    values = np.array([[0, 10], [51, 10], [102, 10], [255, 10]], np.float32)
    stored = store_activations(np.repeat(values, 3, axis=0), max_bytes=40)
    assert stored.kind == "uint8"
    assert stored.arrays["scale"].tolist() == [1.0, 0.0]
    assert stored.arrays["offset"].tolist() == [0.0, 10.0]
    assert stored.values()[::3].tolist() == values.tolist()
    assert stored.lost_variance == 0.0


def test_uint8_loss_is_that_of_the_values_as_read() -> None:
    values = np.random.default_rng(0).normal(0, 1, (200, 20)).astype(np.float32)
    stored = store_activations(values, max_bytes=200 * 20 + 8 * 20)
    kept = stored.values().astype(np.float64)
    lost = np.square(values - kept).sum() / np.square(values - values.mean(axis=0)).sum()
    assert stored.kind == "uint8"
    assert stored.lost_variance == pytest.approx(lost)
    assert 0 < lost < 1e-3


@pytest.mark.parametrize(("samples", "channels"), [(120, 30), (30, 120)])
def test_pca_recovers_what_has_low_rank(samples: int, channels: int) -> None:
    random = np.random.default_rng(1)
    values = random.normal(0, 50, (samples, 3)) @ random.normal(0, 1, (3, channels)) + 7
    budget = 2 * 5 * (samples + channels) + 4 * channels
    stored = store_activations(values.astype(np.float32), max_bytes=budget)
    assert stored.kind == "pca"
    assert stored.arrays["scores"].shape == (samples, 5)
    assert sum(a.nbytes for a in stored.arrays.values()) <= budget
    assert stored.lost_variance < 1e-5


def test_pca_states_the_variance_of_the_axes_it_left_out() -> None:
    # Three orthogonal directions with variances 16, 4 and 1: one axis keeps 16 of 21.
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], np.float32)
    stored = store_activations(signs * [4, 2, 1], max_bytes=30)
    assert stored.kind == "pca"
    assert stored.arrays["axes"].shape == (1, 3)
    assert stored.lost_variance == pytest.approx(5 / 21, rel=1e-3)


@pytest.mark.parametrize("max_bytes", [200, 90])
def test_rows_that_are_not_finite_become_the_mean_of_the_others(max_bytes: int) -> None:
    values = np.random.default_rng(2).normal(0, 1, (20, 8)).astype(np.float32)
    values[3, 2], values[5] = np.nan, np.inf
    stored = store_activations(values, max_bytes=max_bytes)
    assert stored.kind != "float16"
    usable = np.isfinite(values).all(axis=1)
    mean = values[usable].mean(axis=0)
    np.testing.assert_allclose(stored.values()[3], mean, atol=0.03)
    np.testing.assert_allclose(stored.values()[5], mean, atol=0.03)


@pytest.mark.parametrize("values", [np.full((9, 5), np.nan), np.full((9, 5), 3.0)])
@pytest.mark.parametrize("max_bytes", [85, 60])
def test_equal_values(values: np.ndarray, max_bytes: int) -> None:
    stored = store_activations(values, max_bytes=max_bytes)
    expected = 0.0 if np.isnan(values).any() else 3.0
    np.testing.assert_array_equal(stored.values(), np.full((9, 5), expected, np.float16))
    assert stored.lost_variance == 0.0


def test_large_values_survive_the_principal_axes() -> None:
    random = np.random.default_rng(3)
    values = 60000 * np.sign(random.normal(0, 1, (50, 1))) * np.ones((1, 40))
    stored = store_activations(values, max_bytes=400)
    assert stored.kind == "pca"
    assert np.isfinite(stored.values()).all()
    assert stored.lost_variance < 1e-5


@pytest.mark.parametrize("values", [np.zeros((3, 4), np.int32), np.zeros(3, np.float32)])
def test_other_arrays_are_refused(values: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match=r"pass floats of shape \(N, C\)"):
        store_activations(values)


def make_rows(samples: int = 60, channels: int = 8) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(samples, channels)).astype(np.float32)


class TestManySamples:
    @pytest.fixture(autouse=True)
    def few_are_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sample_subset, "MANY_SAMPLES", 40)

    def test_the_first_samples_of_the_fixed_order_are_stored(self) -> None:
        values = make_rows()
        stored = store_activations(values)
        selected = choose_first(60, 40)
        np.testing.assert_array_equal(stored.selected, selected)
        assert (stored.kind, stored.arrays["codes"].shape) == ("uint8", (40, 8))
        np.testing.assert_allclose(stored.values()[selected], values[selected], atol=0.02)
        assert np.isnan(stored.values()[~selected]).all()
        assert 0 < stored.lost_variance < 1e-3
        assert store_activations(values[:40]).selected is None

    def test_invalid_samples_are_not_stored(self) -> None:
        values = make_rows()
        values[::2, 3] = np.inf
        selected = store_activations(values).selected
        assert selected is not None
        np.testing.assert_array_equal(selected, choose_first(60, 40) & (np.arange(60) % 2 == 1))

    def test_nothing_is_stored_without_a_finite_sample(self) -> None:
        stored = store_activations(np.full((60, 8), np.nan, np.float32))
        assert np.isnan(stored.values()).all()
        assert (stored.channels, stored.lost_variance) == (8, 0.0)

    def test_wide_layers_have_fewer_stored_samples(self) -> None:
        assert count_selected(8) == 40
        assert count_selected(2 * SELECTED_BYTES) == 1
        stored = store_activations(make_rows(), max_bytes=100)
        assert stored.arrays["codes"].shape == (12, 8)
        assert count_largest_bytes(60, 8) == 40 * 8 + 8 * 8 + 8

    def test_selected_samples_keep_their_kind_if_all_are_stored(self) -> None:
        stored = store_activations(make_rows())
        rows = np.flatnonzero(choose_first(60, 10))
        some = select_samples(stored, rows, max_bytes=10**6)
        assert (some.kind, some.selected) == ("uint8", None)
        assert some.lost_variance == stored.lost_variance
        np.testing.assert_array_equal(some.values(), stored.values()[rows])

    @pytest.mark.parametrize(("max_bytes", "kind"), [(10**6, "float16"), (700, "pca")])
    def test_samples_without_activations_are_rows_of_nan(self, max_bytes: int, kind: str) -> None:
        basis = make_rows(3)
        stored = store_activations(make_rows(60, 3) @ basis)
        rows = np.arange(60)
        every = select_samples(stored, rows, max_bytes=max_bytes)
        assert (every.kind, every.selected) == (kind, None)
        expected = stored.values()
        np.testing.assert_array_equal(np.isnan(every.values()), np.isnan(expected))
        np.testing.assert_allclose(every.values(), expected, atol=0.05)
        assert every.lost_variance >= stored.lost_variance

    def test_samples_of_which_none_is_stored(self) -> None:
        stored = store_activations(make_rows())
        rows = np.flatnonzero(~choose_first(60, 40))
        none = select_samples(stored, rows, max_bytes=10)
        assert np.isnan(none.values()).all()
        assert none.values().shape == (20, 8)
        assert sum(array.nbytes for array in none.arrays.values()) == 20 * 2 + 8 * 2 + 8 * 4


@pytest.mark.parametrize("max_bytes", [10**6, 600, 100])
def test_samples_are_selected_from_every_kind(max_bytes: int) -> None:
    stored = store_activations(make_rows(), max_bytes=max_bytes)
    some = select_samples(stored, np.array([3, 8]), max_bytes=1)
    assert some.kind == stored.kind
    np.testing.assert_array_equal(some.values(), stored.values()[[3, 8]])
