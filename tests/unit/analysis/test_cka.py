# SPDX-License-Identifier: Apache-2.0
"""Unbiased CKA, compared with the formula for Gram matrices and on known cases."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas.analysis.cka import cka


def unbiased_hsic(k: np.ndarray, m: np.ndarray) -> float:
    """Song et al. 2012, equation 5."""
    n = len(k)
    k, m = k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    one = np.ones(n)
    middle = (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2))
    return (np.trace(k @ m) + middle - 2 / (n - 2) * (one @ k @ m @ one)) / (n * (n - 3))


@pytest.mark.parametrize(("width", "other"), [(3, 5), (40, 2), (30, 30)])
def test_it_equals_the_formula_for_gram_matrices(width, other):
    random = np.random.default_rng(width)
    x = random.normal(size=(20, width)) + 2
    y = x[:, :1] + random.normal(size=(20, other))
    gram_x, gram_y = x @ x.T, y @ y.T
    wanted = unbiased_hsic(gram_x, gram_y) / np.sqrt(
        unbiased_hsic(gram_x, gram_x) * unbiased_hsic(gram_y, gram_y)
    )
    assert cka(x, y) == pytest.approx(wanted, rel=1e-9)


def test_rotation_scale_and_shift_change_nothing():
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 16))
    turn = np.linalg.qr(random.normal(size=(16, 16)))[0]
    assert cka(x, 7 * x @ turn + 3) == pytest.approx(1)


def test_unrelated_wide_layers_are_near_zero():
    random = np.random.default_rng(1)
    assert abs(cka(random.normal(size=(100, 500)), random.normal(size=(100, 300)))) < 0.05


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
def test_it_is_none_for_fewer_than_four_rows(rows):
    x = np.arange(rows * 3, dtype=np.float64).reshape(rows, 3)
    assert cka(x, x) is None


@pytest.mark.parametrize("value", [0, 1, 6e4])
def test_it_is_none_without_variance(value):
    x = np.random.default_rng(2).normal(size=(50, 4))
    assert cka(np.full((50, 4), value, np.float16), x) is None


def test_large_and_small_values_neither_overflow_nor_vanish():
    x = np.random.default_rng(3).normal(size=(60, 8))
    assert cka(x * 1e150, x * 1e-150) == pytest.approx(1)


def test_many_rows_of_many_channels_are_sampled(monkeypatch):
    monkeypatch.setattr("tensorboard_plugin_atlas.analysis.cka._MOST_ROWS", 50)
    x = np.random.default_rng(4).normal(size=(200, 60))
    assert cka(x, x) == pytest.approx(1)
    assert cka(x, x[:, ::-1], seed=1) == pytest.approx(1)
