# SPDX-License-Identifier: Apache-2.0
"""Estimates for samples of a previous map whose activations are not in the log."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from tensorboard_plugin_atlas.atlas import FloatArray

_NEAREST: Final = 5
"""Number of known samples whose mean is the estimate of an unknown one."""


def fill_unknown(values: FloatArray, coordinates: FloatArray) -> FloatArray:
    """Returns values with an estimate for each unknown one: the mean of the nearest known ones.

    Args:
        values: (N,) float32, NaN where unknown.
        coordinates: (N, 2) float32 coordinates of the samples on the map.

    Returns:
        (N,) float32; all 0 if no value is known.
    """
    unknown = np.isnan(values)
    known = ~unknown
    filled = np.nan_to_num(values)
    if unknown.any() and known.any():
        count = min(_NEAREST, int(known.sum()))
        near = cKDTree(coordinates[known]).query(coordinates[unknown], count)[1]
        filled[unknown] = values[known][near].reshape(-1, count).mean(axis=1)
    return filled
