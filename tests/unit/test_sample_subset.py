# SPDX-License-Identifier: Apache-2.0
"""Selections of very many samples."""

from __future__ import annotations

import numpy as np
import pytest

from tensorboard_plugin_atlas import sample_subset
from tensorboard_plugin_atlas.sample_subset import MANY_SAMPLES, choose_first, is_many


def test_many_samples_are_more_than_the_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_many(MANY_SAMPLES)
    assert is_many(MANY_SAMPLES + 1)
    monkeypatch.setattr(sample_subset, "MANY_SAMPLES", 3)
    assert is_many(4)


@pytest.mark.parametrize(("count", "most"), [(0, 5), (5, 5), (4, 9)])
def test_all_samples_are_chosen_if_they_are_few(count: int, most: int) -> None:
    assert choose_first(count, most).tolist() == [True] * count


def test_smaller_selections_are_parts_of_larger_ones() -> None:
    small, large = choose_first(10_000, 100), choose_first(10_000, 3_000)
    assert (small.sum(), large.sum()) == (100, 3_000)
    assert not (small & ~large).any()
    assert choose_first(10_000, 0).sum() == 0


def test_the_selection_is_spread_over_all_samples() -> None:
    chosen = np.flatnonzero(choose_first(100_000, 10_000))
    counts = np.histogram(chosen, bins=100, range=(0, 100_000))[0]
    assert counts.min() > 60
    assert counts.max() < 140
    assert abs(np.corrcoef(chosen[:-1] % 10, chosen[1:] % 10)[0, 1]) < 0.05


def test_the_order_is_the_same_in_every_release() -> None:
    # The first outputs of the reference implementation of SplitMix64 with seed 0.
    first = 0xE220A8397B1DCDAF
    keys = [first, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    assert np.argsort(keys).tolist() == [2, 1, 0, 3]
    for most, expected in ((1, [2]), (2, [1, 2]), (3, [0, 1, 2])):
        assert np.flatnonzero(choose_first(4, most)).tolist() == expected
