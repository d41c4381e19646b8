# SPDX-License-Identifier: Apache-2.0
"""Shifts, resizes and converts (B, C, h, w) float32 images in [0, 1]."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tensorboard_plugin_atlas.compute.probe.patches import Shape


def shift_images(images: Tensor, down: int, right: int) -> Tensor:
    """Shifts images by whole pixels with reflection padding.

    Args:
        images: (B, C, h, w).
        down: Pixels to shift down, at most h - 1.
        right: Pixels to shift right, at most w - 1.
    """
    height, width = images.shape[2:]
    down = max(1 - height, min(height - 1, down))
    right = max(1 - width, min(width - 1, right))
    if down == right == 0:
        return images
    border = (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0))
    padded = F.pad(images, border, mode="reflect")
    top, left = border[3], border[1]
    return padded[:, :, top : top + height, left : left + width]


def resize_images(images: Tensor, shape: Shape) -> Tensor:
    """Resizes images (bicubic with anti-aliasing); unchanged at the same size."""
    if tuple(images.shape[2:]) == tuple(shape):
        return images
    result = F.interpolate(images, size=shape, mode="bicubic", align_corners=False, antialias=True)
    return result.clamp(0, 1)


def to_rgb(images: Tensor) -> Tensor:
    """Returns (B, h, w, 3) uint8: the mean of one or two channels in gray, else the first three.

    Values are rounded; NaN becomes black.
    """
    channels = images.shape[1]
    shown = images[:, :3] if channels >= 3 else images.mean(1, keepdim=True)
    levels = torch.nan_to_num(shown).clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().cpu()
