# SPDX-License-Identifier: Apache-2.0
"""Single images at a place of an Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage


def draw_tile(
    ax: Axes, image: NDArray[np.uint8], left: float, top: float, side: float
) -> AxesImage:
    """Draws an image in a square, centered, with its aspect ratio.

    Args:
        ax: Axes whose y axis points down, with an equal scale on both axes.
        image: (H, W, 3) uint8.
        left: Left edge of the square in data coordinates.
        top: Top edge of the square.
        side: Side of the square.
    """
    height, width = image.shape[:2]
    longest = max(height, width)
    y_margin, x_margin = (side * (1 - one / longest) / 2 for one in (height, width))
    extent = (left + x_margin, left + side - x_margin, top + side - y_margin, top + y_margin)
    return ax.imshow(image, extent=extent, aspect="equal", origin="upper", interpolation="bicubic")
