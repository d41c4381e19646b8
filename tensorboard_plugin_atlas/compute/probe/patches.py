# SPDX-License-Identifier: Apache-2.0
"""Cutting, moving, resizing and finishing small pictures; all (B, C, h, w) float32 in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from tensorboard_plugin_atlas.compute.probe.normalize import Normalize

Shape = tuple[int, int]
"""Height and width in pixels."""

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True)
class PostProcessing:
    """The last touch on an optimized picture, which the optimizer leaves a little gray and soft.

    Attributes:
        contrast: Standard deviation of luma to approach; real patches have .15 to .21.
        least_gain: Lower limit of the contrast gain.
        most_gain: Upper limit, so that noise of an empty picture is not blown up.
        chroma: Factor on color, besides the root of the contrast gain.
        sharpen: Share of the difference to a 3 x 3 mean that is added to luma.
        exposure: Share of the way that mean luma moves to middle gray.
    """

    contrast: float = 0.18
    least_gain: float = 0.9
    most_gain: float = 1.6
    chroma: float = 1.4
    sharpen: float = 0.5
    exposure: float = 0.08


@dataclass(frozen=True, eq=False)
class PatchSource:
    """The user's pictures, from which patches are cut.

    Attributes:
        images: (I, C, H, W) float32 normalized model inputs.
        normalize: How they were normalized.
    """

    images: Tensor
    normalize: Normalize

    @property
    def channels(self) -> int:
        """C."""
        return self.images.shape[1]

    @property
    def shape(self) -> Shape:
        """H and W."""
        return self.images.shape[2], self.images.shape[3]

    def cut(self, rows: Tensor, centers: Tensor, shape: Shape) -> Tensor:
        """Returns pixels (B, C, h, w) in [0, 1]; see `crop_patches`."""
        return self.normalize.to_pixels(crop_patches(self.images, rows, centers, shape)).clamp(0, 1)


def crop_patches(pictures: Tensor, rows: Tensor, centers: Tensor, shape: Shape) -> Tensor:
    """Cuts one patch a row, reflecting the picture beyond its border.

    Args:
        pictures: (I, C, H, W).
        rows: (B,) int64: which picture.
        centers: (B, 2): y and x of the patch's center, where pixel k is centered on k.
        shape: Height and width of the patches.

    Returns:
        (B, C, h, w), on the device of `pictures`.
    """
    device = pictures.device
    ys, xs = (
        _reflected(centers[:, axis].to(device), side, total)
        for axis, (side, total) in enumerate(zip(shape, pictures.shape[2:], strict=True))
    )
    # Whole lines first: to look each pixel up by four indices takes three times as long.
    lines = pictures[rows.to(device)[:, None], :, ys]
    places = xs[:, None, None].expand(*lines.shape[:3], -1)
    return lines.gather(3, places).transpose(1, 2).contiguous()


def _reflected(centers: Tensor, side: int, total: int) -> Tensor:
    """Returns (B, side) indices into an axis of `total` pixels, mirrored about its end pixels."""
    first = torch.round(centers - (side - 1) / 2).long()
    index = first[:, None] + torch.arange(side, device=centers.device)
    period = max(1, 2 * (total - 1))
    index = index % period
    return torch.where(index >= total, period - index, index)


def shift_images(pictures: Tensor, down: int, right: int) -> Tensor:
    """Moves the content by whole pixels, filling in by reflection; at most side - 1 each way."""
    height, width = pictures.shape[2:]
    down = max(1 - height, min(height - 1, down))
    right = max(1 - width, min(width - 1, right))
    if down == right == 0:
        return pictures
    border = (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0))
    padded = F.pad(pictures, border, mode="reflect")
    top, left = border[3], border[1]
    return padded[:, :, top : top + height, left : left + width]


def resize_images(pictures: Tensor, shape: Shape) -> Tensor:
    """Resizes bicubically, with anti-aliasing on the way down; unchanged at the same size."""
    if tuple(pictures.shape[2:]) == tuple(shape):
        return pictures
    result = F.interpolate(
        pictures, size=shape, mode="bicubic", align_corners=False, antialias=True
    )
    return result.clamp(0, 1)


def post_process(pictures: Tensor, finish: PostProcessing) -> Tensor:
    """Brings each picture's contrast and color near those of photographs, within limits."""
    channels = pictures.shape[1]
    weights = pictures.new_tensor(_LUMA if channels == 3 else [1 / channels] * channels)
    luma = torch.einsum("c,bchw->bhw", weights, pictures)[:, None]
    mean = luma.mean((2, 3), keepdim=True)
    deviation = luma.std((2, 3), keepdim=True, correction=0)
    gain = (finish.contrast / (deviation + 1e-4)).clamp(finish.least_gain, finish.most_gain)
    stretched = (luma - mean) * gain
    if finish.sharpen and min(pictures.shape[2:]) > 1:
        soft = F.avg_pool2d(F.pad(stretched, (1, 1, 1, 1), mode="reflect"), 3, 1)
        stretched = stretched + finish.sharpen * (stretched - soft)
    level = mean + finish.exposure * (0.5 - mean)
    color = (pictures - luma) * finish.chroma * gain.clamp(max=1.5).sqrt()
    return (level + stretched + color).clamp(0, 1)


def to_rgb(pictures: Tensor) -> Tensor:
    """Returns (B, h, w, 3) uint8: one or two channels as their mean in gray, else the first three.

    Rounded to nearest; not-a-number becomes black.
    """
    channels = pictures.shape[1]
    shown = pictures[:, :3] if channels >= 3 else pictures.mean(1, keepdim=True)
    levels = torch.nan_to_num(shown).clamp(0, 1).mul(255).round().to(torch.uint8)
    return levels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().cpu()
