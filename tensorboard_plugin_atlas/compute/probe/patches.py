# SPDX-License-Identifier: Apache-2.0
"""Cropping, shifting, resizing and post-processing of (B, C, h, w) float32 images in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tensorboard_plugin_atlas.compute.probe.normalize import Normalize
from tensorboard_plugin_atlas.compute.probe.probe_images import ProbeImages

Shape = tuple[int, int]
"""Height and width in pixels."""

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


@dataclass(frozen=True, eq=False)
class PatchSource:
    """Images from which patches are cropped.

    Attributes:
        images: I normalized model inputs.
        normalize: Their normalization.
    """

    images: ProbeImages | Tensor
    normalize: Normalize

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.images.shape[1]

    @property
    def shape(self) -> Shape:
        """Height and width."""
        return self.images.shape[2], self.images.shape[3]

    def crop(self, rows: Tensor, centers: Tensor, shape: Shape) -> Tensor:
        """Returns patches as pixels in [0, 1], (B, C, h, w); see `crop_patches`."""
        return self.normalize.to_pixels(crop_patches(self.images, rows, centers, shape)).clamp(0, 1)


def crop_patches(
    images: ProbeImages | Tensor, rows: Tensor, centers: Tensor, shape: Shape
) -> Tensor:
    """Crops one patch per row, with reflection padding.

    Args:
        images: (I, C, H, W) images.
        rows: (B,) int64: index of the image of each patch.
        centers: (B, 2): y and x of the center of each patch; the center of pixel k is k.
        shape: Height and width of the patches.

    Returns:
        (B, C, h, w), on the device of `images`.
    """
    if isinstance(images, ProbeImages):
        return images.decode(crop_patches(images.stored, rows, centers, shape))
    device = images.device
    ys, xs = (
        _reflect_indices(centers[:, axis].to(device), side, total)
        for axis, (side, total) in enumerate(zip(shape, images.shape[2:], strict=True))
    )
    # Rows of pixels first: indexing single pixels takes three times as long.
    lines = images[rows.to(device)[:, None], :, ys]
    columns = xs[:, None, None].expand(*lines.shape[:3], -1)
    return lines.gather(3, columns).transpose(1, 2).contiguous()


def _reflect_indices(centers: Tensor, side: int, total: int) -> Tensor:
    """Returns (B, side) indices into an axis of `total` pixels, reflected at its end pixels."""
    first = torch.round(centers - (side - 1) / 2).long()
    index = first[:, None] + torch.arange(side, device=centers.device)
    period = max(1, 2 * (total - 1))
    index = index % period
    return torch.where(index >= total, period - index, index)


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


def to_rgb(images: Tensor) -> Tensor:
    """Returns (B, h, w, 3) uint8: the mean of one or two channels in gray, else the first three.

    Values are rounded; NaN becomes black.
    """
    channels = images.shape[1]
    shown = images[:, :3] if channels >= 3 else images.mean(1, keepdim=True)
    levels = torch.nan_to_num(shown).clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().cpu()
