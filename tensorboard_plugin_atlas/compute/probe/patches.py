# SPDX-License-Identifier: Apache-2.0
"""Patches, cropped from the images of a probe."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tensorboard_plugin_atlas.compute.probe.normalize import Normalize
from tensorboard_plugin_atlas.compute.probe.probe_images import ProbeImages, StoredImages

Shape = tuple[int, int]
"""Height and width in pixels."""


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
    if isinstance(images, StoredImages):
        return images.decode(crop_patches(images.stored, rows, centers, shape))
    if isinstance(images, ProbeImages):
        return _crop_by_image(images, rows, centers, shape)
    device = images.device
    ys, xs = (
        _reflect_indices(centers[:, axis].to(device), side, total)
        for axis, (side, total) in enumerate(zip(shape, images.shape[2:], strict=True))
    )
    # Rows of pixels first: indexing single pixels takes three times as long.
    lines = images[rows.to(device)[:, None], :, ys]
    columns = xs[:, None, None].expand(*lines.shape[:3], -1)
    return lines.gather(3, columns).transpose(1, 2).contiguous()


def _crop_by_image(images: ProbeImages, rows: Tensor, centers: Tensor, shape: Shape) -> Tensor:
    """Crops patches of images that are read from a dataset: each image once, few at a time."""
    needed, which = torch.unique(rows, return_inverse=True)
    patches = torch.empty(len(rows), images.shape[1], *shape, dtype=torch.float32, device="cpu")
    first = 0
    for part in images.select(needed).iterate():
        own = ((which >= first) & (which < first + len(part))).nonzero()[:, 0]
        patches[own] = crop_patches(part, which[own] - first, centers[own], shape)
        first += len(part)
    return patches


def _reflect_indices(centers: Tensor, side: int, total: int) -> Tensor:
    """Returns (B, side) indices into an axis of `total` pixels, reflected at its end pixels."""
    first = torch.round(centers - (side - 1) / 2).long()
    index = first[:, None] + torch.arange(side, device=centers.device)
    period = max(1, 2 * (total - 1))
    index = index % period
    return torch.where(index >= total, period - index, index)
