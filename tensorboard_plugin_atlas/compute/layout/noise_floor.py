# SPDX-License-Identifier: Apache-2.0
"""Noise floor: displacement between two maps to expect from layout noise alone.

Layouts of the same activations from the same previous map with different seeds differ. These random
displacements have heavy tails: a tenth of them exceeds three standard deviations. So the floor is a
quantile, exceeded by one in twenty of the samples that kept as many neighbors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tensorboard_plugin_atlas.atlas import FloatArray

QUANTILE: Final = 0.96
"""Quantile of the displacements. Samples move in clusters, so a repeated layout has few independent
displacements: 6 or 7 % of another repetition exceed the 95th percentile of this one."""
SMALLEST: Final = 1e-3
"""Smallest noise floor, in map units: one pixel of a map of a thousand pixels."""

_MIN_BIN_SIZE = 100
_MAX_BINS = 12


def noise_floor(maps: Sequence[FloatArray], overlap: FloatArray) -> FloatArray:
    """Estimates the noise floor of each sample from maps with several seeds.

    Args:
        maps: Two or more (N, 2) maps of the same activations with different seeds, map units.
        overlap: (N,) fraction of each sample's nearest neighbors kept since the previous map.

    Returns:
        (N,) float32, map units: about one in twenty random displacements is larger.
    """
    moves = np.concatenate([_distance(a, b) for i, a in enumerate(maps) for b in maps[:i]])
    repeats = len(moves) // len(overlap)
    order = np.argsort(overlap, kind="stable")
    bins = np.array_split(order, max(1, min(_MAX_BINS, len(overlap) // _MIN_BIN_SIZE)))
    floor = np.empty(len(overlap), np.float32)
    by_map = moves.reshape(repeats, len(overlap))
    for members in bins:
        floor[members] = np.quantile(by_map[:, members], QUANTILE)
    at_least: FloatArray = np.maximum(floor, np.float32(SMALLEST))
    return at_least


def _distance(a: FloatArray, b: FloatArray) -> FloatArray:
    distance: FloatArray = np.linalg.norm(a - b, axis=1)
    return distance
