# SPDX-License-Identifier: Apache-2.0
"""Adjusts contrast, color and sharpness of optimized images toward those of photographs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True)
class PostProcessing:
    """Post-processing of optimized images, which have low contrast and sharpness.

    Attributes:
        contrast: Target standard deviation of luma; real patches have .15 to .21.
        least_gain: Lower limit of the contrast gain.
        most_gain: Upper limit of the contrast gain, so that noise is not amplified.
        chroma: Factor on color, in addition to the square root of the contrast gain.
        sharpen: Weight of the difference to a 3 x 3 mean, which is added to luma.
        exposure: Fraction by which mean luma moves to middle gray.
    """

    contrast: float = 0.18
    least_gain: float = 0.9
    most_gain: float = 1.6
    chroma: float = 1.4
    sharpen: float = 0.5
    exposure: float = 0.08


def post_process(images: Tensor, finish: PostProcessing) -> Tensor:
    """Adjusts contrast, color and sharpness of each image toward those of photographs."""
    channels = images.shape[1]
    weights = images.new_tensor(_LUMA if channels == 3 else [1 / channels] * channels)
    luma = torch.einsum("c,bchw->bhw", weights, images)[:, None]
    mean = luma.mean((2, 3), keepdim=True)
    deviation = luma.std((2, 3), keepdim=True, correction=0)
    gain = (finish.contrast / (deviation + 1e-4)).clamp(finish.least_gain, finish.most_gain)
    stretched = (luma - mean) * gain
    if finish.sharpen and min(images.shape[2:]) > 1:
        soft = F.avg_pool2d(F.pad(stretched, (1, 1, 1, 1), mode="reflect"), 3, 1)
        stretched = stretched + finish.sharpen * (stretched - soft)
    level = mean + finish.exposure * (0.5 - mean)
    color = (images - luma) * finish.chroma * gain.clamp(max=1.5).sqrt()
    return (level + stretched + color).clamp(0, 1)
