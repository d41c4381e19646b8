# SPDX-License-Identifier: Apache-2.0
"""How many samples get an attribution, and which.

The cost of a sample is that of a pass through the network after the layer: 2,000 samples take
seconds in a small network and a quarter of an hour in a large one. An atlas shows the means of
cells, for which fewer samples are enough.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tensorboard_plugin_atlas.atlas import IntArray

MAX_SECONDS: Final = 60.0
"""CPU seconds of the attribution of an atlas, if `AtlasConfig.attribution_samples` is None."""

MIN_SAMPLES: Final = 200
"""Fewest samples, whatever they cost. Their time is measured to choose the number."""


def fit_count(total: int, seconds: float) -> int:
    """Returns the number of samples whose attribution takes about `MAX_SECONDS`.

    Args:
        total: Number of samples, at least `MIN_SAMPLES`.
        seconds: CPU seconds of `MIN_SAMPLES` samples.
    """
    return min(total, max(MIN_SAMPLES, int(MIN_SAMPLES * MAX_SECONDS / max(seconds, 1e-9))))


def choose_samples(total: int, count: int) -> IntArray:
    """Returns `count` of `total` samples, ascending (n,) int32, evenly over images and classes.

    Samples are in the order of the images, which are balanced over classes.
    """
    rows: IntArray = np.linspace(0, total - 1, min(count, total)).round().astype(np.int32)
    return rows
