# SPDX-License-Identifier: Apache-2.0
"""What one pass over the images of a probe finds: their range, their hash, and NaN."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from tensorboard_plugin_atlas.compute.probe.probe_images import ProbeImages


class PixelSummary:
    """Range and hash of images that are added in order.

    Args:
        shape: (I, C, H, W) of all images.

    Attributes:
        hash: SHA-256 of the shape and of all values as float32.
        low: (C,) float32: smallest finite value of each channel.
        high: (C,) float32: largest finite value of each channel.
        not_finite: Rows of the images with NaN or infinity.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self.hash = hashlib.sha256(repr(tuple(map(int, shape))).encode())
        self.low = torch.full((shape[1],), torch.inf, dtype=torch.float32, device="cpu")
        self.high = -self.low
        self.not_finite: list[int] = []
        self._count = 0

    def add(self, images: Tensor) -> None:
        """Adds the next images, (n, C, H, W) float32."""
        self.hash.update(images.contiguous().numpy().data)
        is_finite = images.isfinite().flatten(1).all(dim=1)
        self.not_finite += (self._count + (~is_finite).nonzero()[:, 0]).tolist()
        self._count += len(images)
        known = images[is_finite]
        if len(known):
            self.low = torch.minimum(self.low, known.amin(dim=(0, 2, 3)))
            self.high = torch.maximum(self.high, known.amax(dim=(0, 2, 3)))


def summarize_pixels(images: ProbeImages) -> PixelSummary:
    """Returns the summary of all images."""
    summary = PixelSummary(images.shape)
    for some in images.iterate():
        summary.add(some)
    return summary
