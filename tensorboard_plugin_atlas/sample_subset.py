# SPDX-License-Identifier: Apache-2.0
"""Selections of very many samples, the same at every step.

Concepts are found in a selection, logs keep the activations of a selection, and the tab gets the
points of a selection. All of them are the first samples of one random order, so that the smaller
selections are parts of the larger ones.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MANY_SAMPLES: Final = 100_000
"""Atlases of more samples are stored in a compact form, with activations of this many samples."""

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_ROUNDS: Final = (
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
    (np.uint64(31), np.uint64(1)),
)


def is_many(count: int) -> bool:
    """Returns whether an atlas of `count` samples is stored in a compact form."""
    return count > MANY_SAMPLES


def order_samples(count: int) -> NDArray[np.intp]:
    """Returns (count,) the indices of all samples in the random order.

    The order is that of a hash of the sample's index, so that it is the same in all releases of
    NumPy: SplitMix64 (Steele, Lea and Flood 2014).
    """
    keys = _STEP * np.arange(1, count + 1, dtype=np.uint64)
    for shift, factor in _ROUNDS:
        keys = (keys ^ (keys >> shift)) * factor
    return np.argsort(keys, kind="stable")


def choose_first(count: int, most: int) -> NDArray[np.bool_]:
    """Returns (count,) bool: all samples, or the first `most` of them in the random order."""
    chosen = np.ones(count, np.bool_)
    if count > most:
        chosen[order_samples(count)[most:]] = False
    return chosen
