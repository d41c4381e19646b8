# SPDX-License-Identifier: Apache-2.0
"""When a tested patch is a shortcut, which images may tell, and what one place is."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.compute.shortcuts.patch_test import (
    Box,
    PatchEvaluator,
    PatchRates,
    difference_interval,
)

TESTED_ON: Final = 200
"""Images that a patch is tested on at most."""

SAME_PLACE: Final = 0.5
"""Patches of one class that overlap as much are one mark."""

FREE_AREA: Final = 0.02
"""Added to an area before effects are divided by its root: tiny patches are not worth ever more."""

LEAST_FLIPPED: Final = 0.25
"""A patch that turns fewer images is not worth telling of."""

_STRONG: Final = 2.2
_FAIR: Final = 1.5
_SPREAD: Final = 1.1
_ALPHA: Final = 0.05


def select_other_images(bench: PatchEvaluator, target: int, count: int) -> NDArray[np.intp]:
    """Returns the first few images that are taken for something else."""
    return np.flatnonzero(bench.predictions != target)[:count]


def box_overlap(first: Box, second: Box) -> float:
    """Returns what two boxes share, over the smaller of them."""
    y0, x0 = max(first[0], second[0]), max(first[1], second[1])
    y1, x1 = min(first[2], second[2]), min(first[3], second[3])
    return max(0, y1 - y0) * max(0, x1 - x0) / min(box_area(first), box_area(second))


def box_area(box: Box) -> int:
    """Returns the pixels of a box."""
    y0, x0, y1, x1 = box
    return (y1 - y0) * (x1 - x0)


def area_penalty(box: Box, size: tuple[int, int]) -> float:
    """Returns what effects are divided by: the root of a box's share of the image + FREE_AREA."""
    return math.sqrt(box_area(box) / math.prod(size) + FREE_AREA)


def split_images(images: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the images that choices are made on, and those that only tests see."""
    order = np.random.default_rng([seed, 4]).permutation(images)
    middle = (images + 1) // 2
    return order[:middle], order[middle:]


def measure_significance(
    test: PatchRates, suspects: int, size: tuple[int, int]
) -> tuple[float, bool]:
    """Returns the strength of a tested patch, and whether it is a shortcut.

    The bounds hold for all suspects together (Bonferroni). That the place alone does it, in any
    image of the class, speaks for a mark that all of them bear; a part of an object moves about.
    """
    confidence = 1 - _ALPHA / max(suspects, 1)

    def at_least(first: float, second: float) -> float:
        return difference_interval(first, second, test.images, confidence=confidence)[0]

    cost = area_penalty(test.box, size)
    strength = at_least(test.flip_rate, test.other_flip_rate) / cost
    spread = at_least(test.same_flip_rate, test.other_flip_rate) / cost
    is_real = at_least(test.flip_rate, test.noise_flip_rate) > 0
    is_strong = strength >= _STRONG or (strength >= _FAIR and spread >= _SPREAD)
    return strength, is_real and is_strong
