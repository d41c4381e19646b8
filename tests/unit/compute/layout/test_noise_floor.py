# SPDX-License-Identifier: Apache-2.0
"""The noise floor: hand-computed values and known distributions."""

from __future__ import annotations

import numpy as np

from tensorboard_plugin_atlas.compute.layout.noise_floor import SMALLEST, noise_floor


def test_two_maps_of_few_samples_share_one_bin():
    still = np.zeros((21, 2), np.float32)
    moved = still.copy()
    moved[:, 0] = np.arange(21) / 100  # the 96th percentile of 0, .01, ... .20 is .192
    floor = noise_floor([still, moved], np.linspace(0, 1, 21))
    np.testing.assert_allclose(floor, 0.192, rtol=1e-6)
    assert floor.dtype == np.float32


def test_equal_maps_have_the_smallest_floor():
    still = np.random.default_rng(0).uniform(size=(300, 2)).astype(np.float32)
    np.testing.assert_allclose(noise_floor([still, still], np.zeros(300)), SMALLEST)


def test_the_floor_decreases_with_overlap_and_five_percent_exceed_it():
    random = np.random.default_rng(0)
    overlap = random.integers(0, 16, 4000) / 15
    spread = 0.05 * (1.01 - overlap)[:, None]
    maps = [random.standard_t(2, (4000, 2)) * spread for _ in range(5)]
    floor = noise_floor(maps[:3], overlap)
    assert floor[overlap < 0.2].mean() > 3 * floor[overlap > 0.8].mean()
    above = np.linalg.norm(maps[3] - maps[4], axis=1) > floor
    assert 0.03 < above.mean() < 0.07
    for low in (0, 0.4, 0.7):
        some = (overlap >= low) & (overlap < low + 0.3)
        assert 0.02 < above[some].mean() < 0.09
