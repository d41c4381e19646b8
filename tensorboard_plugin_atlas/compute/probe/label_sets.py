# SPDX-License-Identifier: Apache-2.0
"""Labels of images that may have several, as one array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tensorboard_plugin_atlas.atlas import IntArray


def join_label_sets(found: Sequence[tuple[int, ...]]) -> IntArray | None:
    """Returns the labels of images, rarest class first, (I, L) int32, or None without any.

    L is the largest number of labels of an image; rows of images with fewer end with -1. A class is
    rare if few of these images have it.

    Args:
        found: The classes of each of I images.
    """
    count = Counter(index for classes in found for index in classes)
    if not count:
        return None
    sets = np.full((len(found), max(map(len, found))), -1, np.int32)
    for row, classes in zip(sets, found, strict=True):
        row[: len(classes)] = sorted(classes, key=lambda index: (count[index], index))
    return sets
