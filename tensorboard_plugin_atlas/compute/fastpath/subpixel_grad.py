# SPDX-License-Identifier: Apache-2.0
"""The input gradient of a strided convolution of few channels, as a convolution without strides.

A network's first convolution reads three channels, and no library is quick to give so few back. But
pixels of one phase (the same row and column modulo the stride) all meet the same few weights, so
that one small convolution gives every phase as channels of its own, which are then interleaved.
The same is known forward as sub-pixel convolution (Shi et al. 2016, "Real-Time Single Image and
Video Super-Resolution").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

mkldnn: Final[Any] = torch.ops.mkldnn


@dataclass(frozen=True, eq=False)
class Phases:
    """The turned weights of one convolution; see `of`.

    Attributes:
        weight: (sy * sx * C, O, n, m) in channels_last, phases outermost.
        stride: sy and sx.
        first: The output row and column that the first weights meet, less the input's over stride.
    """

    weight: Tensor
    stride: tuple[int, int]
    first: tuple[int, int]

    @classmethod
    def of(cls, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]) -> Phases:
        """Sorts the weights (O, C, h, w) of an undilated convolution by phase.

        Input row y meets output row o through weight row y + padding - stride * o.
        """
        axes = [_meetings(_used(weight, 2 + axis), stride[axis], padding[axis]) for axis in (0, 1)]
        lowest = [min(shift for _, _, shift in axis) for axis in axes]
        spans = [
            max(shift for _, _, shift in axis) - low + 1
            for axis, low in zip(axes, lowest, strict=True)
        ]
        sorted_ = weight.new_zeros(*stride, weight.shape[1], weight.shape[0], *spans)
        for row, y, down in axes[0]:
            for column, x, right in axes[1]:
                place = (row, column, slice(None), slice(None), down - lowest[0], right - lowest[1])
                sorted_[place] = weight[:, :, y, x].T
        sorted_ = sorted_.flatten(0, 2).contiguous(memory_format=torch.channels_last)
        return cls(sorted_, stride, (lowest[0], lowest[1]))

    def fit(self, pixels: Tensor) -> bool:
        """Tells whether all phases of an input (B, C, H, W) have equally many pixels."""
        height, width = pixels.shape[2:]
        return height % self.stride[0] == 0 and width % self.stride[1] == 0

    def gradient(self, slope: Tensor, pixels: Tensor) -> Tensor:
        """Returns the gradient of `pixels` (B, C, H, W) from that of the output, (B, O, h, w)."""
        counts = [total // s for total, s in zip(pixels.shape[2:], self.stride, strict=True)]
        padding = [
            max(0, -low, low + span - 1 + count - given)
            for low, span, count, given in zip(
                self.first, self.weight.shape[2:], counts, slope.shape[2:], strict=True
            )
        ]
        none: list[float] = []
        found = mkldnn._convolution_pointwise(
            slope, self.weight, None, padding, (1, 1), (1, 1), 1, "none", none, ""
        )
        top, left = (pad + low for pad, low in zip(padding, self.first, strict=True))
        found = found[:, :, top : top + counts[0], left : left + counts[1]]
        # (B, y, x, phase of y, phase of x, C) -> (B, y, phase of y, x, phase of x, C)
        apart = found.permute(0, 2, 3, 1).unflatten(3, (*self.stride, -1))
        lines = apart.transpose(2, 3).flatten(3).flatten(1, 2)
        joined: Tensor = lines.unflatten(2, (-1, pixels.shape[1])).permute(0, 3, 1, 2)
        return joined


def _used(weight: Tensor, axis: int) -> list[int]:
    """Returns the rows or columns of weights that are not all zero."""
    others = [dim for dim in range(4) if dim != axis]
    used = (weight != 0).sum(others).nonzero().flatten().tolist()
    return used or [0]


def _meetings(places: list[int], stride: int, padding: int) -> list[tuple[int, int, int]]:
    """Returns (phase, place, shift): pixels of that phase meet outputs through the place.

    Pixel stride * q + phase meets output q + shift.
    """
    return [((place - padding) % stride, place, -((place - padding) // stride)) for place in places]
