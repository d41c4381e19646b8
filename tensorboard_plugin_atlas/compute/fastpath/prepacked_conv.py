# SPDX-License-Identifier: Apache-2.0
"""A convolution of the CPU that keeps its weights in the order in which they are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor

mkldnn: Final[Any] = torch.ops.mkldnn

NONE, RELU, RELU6 = "none", "relu", "hardtanh"
"""What may follow a convolution in the same pass."""

_ORDERS = 8


@dataclass(frozen=True, eq=False)
class Kernel:
    """The weights of a convolution and how it moves over its input.

    oneDNN reads weights in an order of its own, which depends on the input's shape, and sorts them
    anew in every pass unless it is given them so: on small maps that takes a third of the time.
    Weights in the order for another shape are worse than none, they are sorted a hundred times as
    slowly.

    Attributes:
        weight: (O, C / groups, h, w) as it was.
        stride: Down and right.
        padding: At both ends, down and right.
        dilation: Down and right.
        groups: In how many groups channels are apart.
    """

    weight: Tensor
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    _ordered: dict[torch.Size, Tensor] = field(default_factory=dict, init=False, repr=False)

    def over(self, pixels: Tensor, bias: Tensor | None = None, rectifier: str = NONE) -> Tensor:
        """Returns the convolution of `pixels` (B, C, H, W), which no gradient goes through."""
        return mkldnn._convolution_pointwise(  # type: ignore[no-any-return]
            pixels,
            self._sorted_for(pixels),
            bias,
            self.padding,
            self.stride,
            self.dilation,
            self.groups,
            rectifier,
            [0.0, 6.0] if rectifier == RELU6 else [],
            "",
        )

    def _sorted_for(self, pixels: Tensor) -> Tensor:
        shape = pixels.shape
        if shape not in self._ordered:
            if len(self._ordered) == _ORDERS:  # the last batches of many maps differ in size
                self._ordered.clear()
            self._ordered[shape] = mkldnn._reorder_convolution_weight(
                self.weight.contiguous(),
                self.padding,
                self.stride,
                self.dilation,
                self.groups,
                list(shape),
            )
        return self._ordered[shape]
