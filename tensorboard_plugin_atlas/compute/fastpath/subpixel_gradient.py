# SPDX-License-Identifier: Apache-2.0
"""The input gradient of a strided convolution with few channels, as an unstrided convolution.

The first convolution of a network reads three channels, and libraries compute the gradient of so
few channels slowly. But input pixels of one phase (the same row and column modulo the stride) all
meet the same few weights. So one small convolution computes each phase as channels of its own,
which are then interleaved. In the forward direction this is known as sub-pixel convolution (Shi et
al. 2016, "Real-Time Single Image and Video Super-Resolution").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

mkldnn: Final[Any] = torch.ops.mkldnn


@dataclass(frozen=True, eq=False)
class SubpixelGradient:
    """Computes the input gradient of one convolution; see `from_weight`.

    Attributes:
        weight: (sy * sx * C, O, n, m) in channels_last, phases outermost.
        stride: sy and sx.
        first: Row and column of the output that the first weights read, minus the row and column
            of the input divided by the stride.
    """

    weight: Tensor
    stride: tuple[int, int]
    first: tuple[int, int]

    @classmethod
    def from_weight(
        cls, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
    ) -> SubpixelGradient:
        """Groups the weights (O, C, h, w) of a convolution without dilation by phase.

        Row o of the output reads row y of the input through row y + padding - stride * o of the
        weight.
        """
        axes = [
            _find_shifts(_find_nonzero(weight, 2 + axis), stride[axis], padding[axis])
            for axis in (0, 1)
        ]
        lowest = [min(shift for _, _, shift in axis) for axis in axes]
        spans = [
            max(shift for _, _, shift in axis) - low + 1
            for axis, low in zip(axes, lowest, strict=True)
        ]
        phases = weight.new_zeros(*stride, weight.shape[1], weight.shape[0], *spans)
        for row, y, down in axes[0]:
            for column, x, right in axes[1]:
                index = (row, column, slice(None), slice(None), down - lowest[0], right - lowest[1])
                phases[index] = weight[:, :, y, x].T
        phases = phases.flatten(0, 2).contiguous(memory_format=torch.channels_last)
        return cls(phases, stride, (lowest[0], lowest[1]))

    def supports(self, inputs: Tensor) -> bool:
        """Returns whether all phases of an input (B, C, H, W) have the same number of pixels."""
        height, width = inputs.shape[2:]
        return height % self.stride[0] == 0 and width % self.stride[1] == 0

    def compute(self, grad_output: Tensor, inputs: Tensor) -> Tensor:
        """Returns the gradient of `inputs` (B, C, H, W).

        Args:
            grad_output: (B, O, h, w): the gradient of the output.
            inputs: Only its shape is used.
        """
        counts = [total // s for total, s in zip(inputs.shape[2:], self.stride, strict=True)]
        padding = [
            max(0, -low, low + span - 1 + count - given)
            for low, span, count, given in zip(
                self.first, self.weight.shape[2:], counts, grad_output.shape[2:], strict=True
            )
        ]
        no_scalars: list[float] = []
        phases = mkldnn._convolution_pointwise(
            grad_output, self.weight, None, padding, (1, 1), (1, 1), 1, "none", no_scalars, ""
        )
        top, left = (pad + low for pad, low in zip(padding, self.first, strict=True))
        phases = phases[:, :, top : top + counts[0], left : left + counts[1]]
        # (B, y, x, phase of y, phase of x, C) -> (B, y, phase of y, x, phase of x, C)
        apart = phases.permute(0, 2, 3, 1).unflatten(3, (*self.stride, -1))
        lines = apart.transpose(2, 3).flatten(3).flatten(1, 2)
        joined: Tensor = lines.unflatten(2, (-1, inputs.shape[1])).permute(0, 3, 1, 2)
        return joined


def _find_nonzero(weight: Tensor, axis: int) -> list[int]:
    """Returns the rows or columns of a weight that are not all zero, or [0]."""
    others = [dim for dim in range(4) if dim != axis]
    nonzero = (weight != 0).sum(others).nonzero().flatten().tolist()
    return nonzero or [0]


def _find_shifts(offsets: list[int], stride: int, padding: int) -> list[tuple[int, int, int]]:
    """Returns (phase, offset, shift) for each offset along one axis of a weight.

    Input pixel stride * q + phase contributes to output q + shift through the weight at `offset`.
    """
    return [((one - padding) % stride, one, -((one - padding) // stride)) for one in offsets]
