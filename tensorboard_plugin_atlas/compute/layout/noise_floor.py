# SPDX-License-Identifier: Apache-2.0
"""How far samples move from one map to the next for no reason but chance.

The same activations, laid out again from the same previous map with another seed, put every sample
somewhere else. Those moves have heavy tails: three standard deviations are passed by a tenth of
them. So the floor is what one in twenty passes of samples that kept as many neighbors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tensorboard_plugin_atlas.atlas import FloatArray

QUANTILE: Final = 0.96
"""Samples move in groups, so that one repeat tells of few independent moves: of those of the next
repeat, six or seven in a hundred pass the 95th percentile of this one."""
SMALLEST: Final = 1e-3
"""In map units: one pixel of a map of a thousand. No smaller move is ever news."""

_FEWEST_IN_BIN = 100
_MOST_BINS = 12


def noise_floor(maps: Sequence[FloatArray], overlap: FloatArray) -> FloatArray:
    """Estimates each sample's floor from the maps of several seeds.

    Args:
        maps: Two or more (N, 2) maps of the same activations, seeds apart, in map units.
        overlap: (N,) share of each sample's true neighbors kept since the previous map.

    Returns:
        (N,) float32, map units: of pure chance, one move in twenty is larger.
    """
    moves = np.concatenate([_distance(a, b) for i, a in enumerate(maps) for b in maps[:i]])
    repeats = len(moves) // len(overlap)
    order = np.argsort(overlap, kind="stable")
    bins = np.array_split(order, max(1, min(_MOST_BINS, len(overlap) // _FEWEST_IN_BIN)))
    floor = np.empty(len(overlap), np.float32)
    by_map = moves.reshape(repeats, len(overlap))
    for members in bins:
        floor[members] = np.quantile(by_map[:, members], QUANTILE)
    raised: FloatArray = np.maximum(floor, np.float32(SMALLEST))
    return raised


def _distance(a: FloatArray, b: FloatArray) -> FloatArray:
    apart: FloatArray = np.linalg.norm(a - b, axis=1)
    return apart
