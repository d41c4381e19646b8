# SPDX-License-Identifier: Apache-2.0
"""Significance test of patches, and the images and boxes that it uses."""

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
from tensorboard_plugin_atlas.shortcut_record import OBJECT_AREA

MAX_TEST_IMAGES: Final = 200
"""Largest number of images that a patch is tested on."""

SAME_POSITION: Final = 0.5
"""Overlap above which patches of one class are the same shortcut."""

FREE_AREA: Final = 0.02
"""Added to the area before its square root is taken, so that tiny patches are not favored."""

MIN_FLIP_RATE: Final = 0.25
"""Smallest flip rate of a patch that is reported."""

_MIN_STRENGTH: Final = 2.2
_MIN_SHARED_STRENGTH: Final = 1.5
_MIN_LARGE_STRENGTH: Final = 2.0
_MIN_SPREAD: Final = 1.1
_ALPHA: Final = 0.05


def select_other_images(evaluator: PatchEvaluator, target: int, count: int) -> NDArray[np.intp]:
    """Returns the indices of the first `count` images with another predicted class.

    Args:
        evaluator: The images and their predictions.
        target: Index of the excluded class.
        count: Largest number of images.
    """
    return np.flatnonzero(evaluator.predictions != target)[:count]


def box_overlap(first: Box, second: Box) -> float:
    """Returns the area of the intersection of two boxes over the smaller area."""
    y0, x0 = max(first[0], second[0]), max(first[1], second[1])
    y1, x1 = min(first[2], second[2]), min(first[3], second[3])
    return max(0, y1 - y0) * max(0, x1 - x0) / min(box_area(first), box_area(second))


def box_area(box: Box) -> int:
    """Returns the number of pixels of a box."""
    y0, x0, y1, x1 = box
    return (y1 - y0) * (x1 - x0)


def area_penalty(box: Box, size: tuple[int, int]) -> float:
    """Returns the square root of (area as a fraction of the image + FREE_AREA)."""
    return math.sqrt(box_area(box) / math.prod(size) + FREE_AREA)


def split_images(images: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Splits the images into those for the search and those for tests.

    Args:
        images: Number of images.
        seed: Seed of the split.
    """
    order = np.random.default_rng([seed, 4]).permutation(images)
    middle = (images + 1) // 2
    return order[:middle], order[middle:]


def measure_significance(
    test: PatchRates, candidates: int, size: tuple[int, int]
) -> tuple[float, bool]:
    """Returns the strength of a patch, and whether it is a significant shortcut.

    The bounds hold for all candidates together (Bonferroni correction). A patch is significant if
    its strength is at least 2.2. Two kinds of patches need less:

    - 1.5, if crops of other images of the class at the same position flip predictions, too: the
      images share a mark, while parts of objects have varying positions.
    - 2, if it covers more than `OBJECT_AREA` and flips more images than noise of its mean color.

    What a significant patch shows is a different question: see `TestedPatch.evidence`.

    Args:
        test: Rates of the patch and its controls.
        candidates: Number of patches tested.
        size: Height and width of the images.
    """
    confidence = 1 - _ALPHA / max(candidates, 1)

    def lower_bound(first: float, second: float) -> float:
        return difference_interval(first, second, test.images, confidence=confidence)[0]

    penalty = area_penalty(test.box, size)
    strength = lower_bound(test.flip_rate, test.other_flip_rate) / penalty
    spread = lower_bound(test.same_flip_rate, test.other_flip_rate) / penalty
    is_shared = strength >= _MIN_SHARED_STRENGTH and spread >= _MIN_SPREAD
    is_large = (
        test.area > OBJECT_AREA
        and strength >= _MIN_LARGE_STRENGTH
        and lower_bound(test.flip_rate, test.noise_flip_rate) > 0
    )
    return strength, strength >= _MIN_STRENGTH or is_shared or is_large
