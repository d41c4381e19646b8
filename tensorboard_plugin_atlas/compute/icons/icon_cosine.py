# SPDX-License-Identifier: Apache-2.0
"""The cosine of an icon: how well the layer's activation for it matches the mean of its cell."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.icons.icon_network import IconNetwork
from tensorboard_plugin_atlas.compute.icons.targets import Targets


@torch.no_grad()
def compute_cosines(activation: IconNetwork, pixels: Tensor, targets: Targets) -> FloatArray:
    """Returns the centered cosine of images with the means of cells.

    Args:
        activation: The layer's activation at the center of an image, in evaluation mode.
        pixels: (M, channels, H, W) images in [0, 1], as the icons show them.
        targets: The M cells.

    Returns:
        (M,) float32 cosine of `activation - center` and `mean - center`, where `center` is the mean
        over all samples; NaN for a cell whose mean is the center.
    """
    values = activation.compute_center(pixels, targets.rows).cpu() - targets.center
    directions = targets.get_relative_directions()
    lengths = values.norm(dim=1) * directions.norm(dim=1)
    cosine = (values * directions).sum(1) / lengths.clamp(min=torch.finfo(torch.float32).tiny)
    cosine[directions.norm(dim=1) == 0] = torch.nan
    return np.asarray(cosine.numpy(), np.float32)
