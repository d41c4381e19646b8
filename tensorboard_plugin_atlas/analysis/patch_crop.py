# SPDX-License-Identifier: Apache-2.0
"""The patch of an image that a sample depends on."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import IntArray

_MIN_SIDE: Final = 4


def crop_patch(
    image: NDArray[np.uint8], box: IntArray, input_size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Returns the part of an image in the receptive field of a sample.

    Args:
        image: (H, W, 3) uint8, of any size: the model's input image, or a larger or smaller copy.
        box: (4,) y0, x0, y1, x1 of the receptive field in input pixels, end exclusive, as in
            `Samples.boxes`. It may reach beyond the image.
        input_size: Height and width of the model's input images.

    Returns:
        (h, w, 3) uint8, at least 4 pixels high and wide unless the image is smaller.
    """
    height, width = input_size
    y0, x0, y1, x1 = box.tolist()
    scale_y, scale_x = image.shape[0] / height, image.shape[1] / width
    top = min(max(round(y0 * scale_y), 0), max(image.shape[0] - _MIN_SIDE, 0))
    left = min(max(round(x0 * scale_x), 0), max(image.shape[1] - _MIN_SIDE, 0))
    bottom = max(round(y1 * scale_y), top + _MIN_SIDE)
    right = max(round(x1 * scale_x), left + _MIN_SIDE)
    return image[top:bottom, left:right]
