# SPDX-License-Identifier: Apache-2.0
"""Estimates for samples whose activations are not in the log."""

from __future__ import annotations

import numpy as np

from tensorboard_plugin_atlas.compute.layout.imputation import fill_unknown

NAN = np.nan


def fill(values, x):
    coordinates = np.stack([x, np.zeros(len(x))], axis=1).astype(np.float32)
    return fill_unknown(np.array(values, np.float32), coordinates)


def test_an_unknown_value_is_the_mean_of_the_five_nearest_known_ones():
    found = fill([1, 2, 3, 4, 5, 100, NAN], [0, 1, 2, 3, 4, 50, 1.5])
    np.testing.assert_allclose(found, [1, 2, 3, 4, 5, 100, 3])
    assert found.dtype == np.float32


def test_fewer_than_five_known_values_are_enough():
    np.testing.assert_allclose(fill([NAN, 2, NAN, 4], [0, 1, 2, 3]), [3, 2, 3, 4])
    np.testing.assert_allclose(fill([NAN, 2], [0, 1]), [2, 2])


def test_without_known_or_unknown_values():
    assert fill([NAN, NAN], [0, 1]).tolist() == [0, 0]
    assert fill([3, 4], [0, 1]).tolist() == [3, 4]
