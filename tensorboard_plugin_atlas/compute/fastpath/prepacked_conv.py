# SPDX-License-Identifier: Apache-2.0
"""A CPU convolution whose weights are stored in the memory format that oneDNN reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor

mkldnn: Final[Any] = torch.ops.mkldnn

NONE, RELU, RELU6 = "none", "relu", "hardtanh"
"""Pointwise operations that oneDNN can fuse into a convolution ("post-ops"), by its names."""

_MAX_FORMATS = 8


@dataclass(frozen=True, eq=False)
class PrepackedConv2d:
    """A 2-D convolution that reorders its weights once for each input shape.

    oneDNN reads weights in a memory format that depends on the shape of the input. Unless weights
    are given in that format, each pass reorders them, which takes a third of the time on small
    maps. Weights in the format of another shape are reordered a hundred times more slowly.

    Attributes:
        weight: (O, C / groups, h, w) in the usual format.
        stride: Vertical and horizontal.
        padding: Vertical and horizontal, on both sides.
        dilation: Vertical and horizontal.
        groups: Number of channel groups.
    """

    weight: Tensor
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    _packed: dict[torch.Size, Tensor] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, inputs: Tensor, bias: Tensor | None = None, post_op: str = NONE) -> Tensor:
        """Returns the convolution of `inputs` (B, C, H, W), followed by `post_op`; no autograd."""
        return mkldnn._convolution_pointwise(  # type: ignore[no-any-return]
            inputs,
            self._pack_weight(inputs.shape),
            bias,
            self.padding,
            self.stride,
            self.dilation,
            self.groups,
            post_op,
            [0.0, 6.0] if post_op == RELU6 else [],
            "",
        )

    def _pack_weight(self, shape: torch.Size) -> Tensor:
        """Returns the weight in the format for an input shape, reordered once."""
        if shape not in self._packed:
            if len(self._packed) == _MAX_FORMATS:  # the last batches of many maps differ in size
                self._packed.clear()
            self._packed[shape] = mkldnn._reorder_convolution_weight(
                self.weight.contiguous(),
                self.padding,
                self.stride,
                self.dilation,
                self.groups,
                list(shape),
            )
        return self._packed[shape]
