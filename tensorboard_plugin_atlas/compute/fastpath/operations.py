# SPDX-License-Identifier: Apache-2.0
"""The operations of a `Program`, each with its forward pass, VJP and JVP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Protocol

import torch
from torch import Tensor
from torch.autograd import forward_ad

from tensorboard_plugin_atlas.compute.fastpath.prepacked_conv import (
    NONE,
    RELU,
    RELU6,
    PrepackedConv2d,
)
from tensorboard_plugin_atlas.compute.fastpath.subpixel_gradient import SubpixelGradient

aten: Final[Any] = torch.ops.aten

_FEW_CHANNELS, _CACHED_VALUES = 64, 1 << 21


class Operation(Protocol):
    """One operation of a program.

    A gradient that is passed to `vjp` or returned by it belongs to the receiver, who may overwrite
    it.
    """

    @property
    def inputs(self) -> tuple[int, ...]:
        """Indices of the values that the operation reads."""

    def run(self, values: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """Returns the output, and what `vjp` and `jvp` need from the forward pass."""

    def vjp(self, grad_output: Tensor, saved: Any) -> tuple[Tensor, ...]:
        """Returns the gradient of each input."""

    def jvp(self, tangents: Sequence[Tensor], saved: Any, images: Tensor) -> Tensor:
        """Returns the tangent of the output.

        Args:
            tangents: (n, ...) of each input.
            saved: From a `run`.
            images: (n,) int64: row of that run to which each tangent belongs.
        """


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution with fused padding, bias and ReLU.

    Attributes:
        inputs: Index of the one value that it reads.
        weight: (O, C / groups, h, w).
        bias: (O,), or None.
        stride: Vertical and horizontal.
        padding: Vertical and horizontal.
        dilation: Vertical and horizontal.
        groups: Number of channel groups.
        post_op: `NONE`, `RELU` or `RELU6`.
    """

    inputs: tuple[int, ...]
    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    post_op: str = NONE

    def run(self, values: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """See `Operation`."""
        (pixels,) = values
        output = self._forward_conv(pixels, self.bias, self.post_op)
        return output, (pixels, output)

    def vjp(self, grad_output: Tensor, saved: Any) -> tuple[Tensor, ...]:
        """See `Operation`."""
        pixels, output = saved
        self._mask_by_relu(grad_output, output)
        if self._transposed_conv is not None:
            return (self._transposed_conv(grad_output),)
        if self._pointwise_conv is not None:
            return (self._scatter(self._pointwise_conv(grad_output), pixels),)
        if self._subpixel is not None and self._subpixel.supports(pixels):
            return (self._subpixel.compute(grad_output, pixels),)
        return (self._aten_gradient(grad_output, pixels),)

    def jvp(self, tangents: Sequence[Tensor], saved: Any, images: Tensor) -> Tensor:
        """See `Operation`."""
        (tangent,) = tangents
        change = self._forward_conv(tangent)
        if self.post_op == NONE:
            return change
        output = saved[1].index_select(0, images).contiguous(memory_format=torch.channels_last)
        self._mask_by_relu(change, output)
        return change

    def _mask_by_relu(self, gradient: Tensor, output: Tensor) -> None:
        """Sets a gradient or tangent to zero in place where the ReLU is inactive."""
        if self.post_op == RELU6:
            aten.hardtanh_backward.grad_input(gradient, output, 0.0, 6.0, grad_input=gradient)
        elif self.post_op == RELU:
            aten.threshold_backward.grad_input(gradient, output, 0.0, grad_input=gradient)

    def _aten_gradient(self, gradient: Tensor, pixels: Tensor) -> Tensor:
        # Maps that do not fit into the cache take three times as long.
        count = max(1, len(pixels) * _CACHED_VALUES // pixels.numel())
        if len(pixels) > count:
            pairs = zip(torch.split(gradient, count), torch.split(pixels, count), strict=True)
            return torch.cat([self._aten_gradient(*pair) for pair in pairs])
        # In bfloat16 this kernel takes twenty times as long. It reads only the shape of the input.
        found: Tensor = aten.convolution_backward(
            gradient.float(),
            torch.empty_like(pixels, dtype=torch.float32),
            self.weight.float(),
            None,
            self.stride,
            self.padding,
            self.dilation,
            False,
            (0, 0),
            self.groups,
            (True, False, False),
        )[0]
        return found.to(gradient.dtype)

    def _scatter(self, gradient: Tensor, pixels: Tensor) -> Tensor:
        """Inserts zeros for the pixels that the stride skips."""
        found, (down, right) = torch.zeros_like(pixels), self.stride
        found[:, :, ::down, ::right] = gradient
        return found

    def to_bfloat16(self) -> Convolution:
        """Returns a bfloat16 copy of the convolution."""
        bias = None if self.bias is None else self.bias.bfloat16()
        return replace(self, weight=self.weight.bfloat16(), bias=bias)

    @cached_property
    def _forward_conv(self) -> PrepackedConv2d:
        return PrepackedConv2d(self.weight, self.stride, self.padding, self.dilation, self.groups)

    @cached_property
    def _transposed_conv(self) -> PrepackedConv2d | None:
        """The convolution that computes the input gradient, for stride 1."""
        outputs, each, height, width = self.weight.shape
        padding = (height - 1 - self.padding[0], width - 1 - self.padding[1])
        if self.stride != (1, 1) or self.dilation != (1, 1) or min(padding) < 0:
            return None
        if self.groups == 1:
            transposed = self.weight.transpose(0, 1)
        elif each == 1 and outputs == self.groups:
            transposed = self.weight
        else:
            return None
        return PrepackedConv2d(transposed.flip(2, 3), padding=padding, groups=self.groups)

    @cached_property
    def _pointwise_conv(self) -> PrepackedConv2d | None:
        """For a 1 x 1 kernel, the convolution that computes the gradient of the pixels it reads."""
        alone = self.weight.shape[2:] == (1, 1) and self.padding == (0, 0) and self.groups == 1
        return PrepackedConv2d(self.weight.transpose(0, 1)) if alone else None

    @cached_property
    def _subpixel(self) -> SubpixelGradient | None:
        if self.groups != 1 or self.dilation != (1, 1) or self.weight.shape[1] > _FEW_CHANNELS:
            return None
        return SubpixelGradient.from_weight(self.weight, self.stride, self.padding)


@dataclass(frozen=True, eq=False)
class ResidualAdd:
    """The addition at the end of a residual block.

    Attributes:
        inputs: The shortcut and the branch.
        damping: Factor on the gradient of the branch.
    """

    inputs: tuple[int, ...]
    damping: float = 1.0

    def run(self, values: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """See `Operation`."""
        return values[0] + values[1], None

    def vjp(self, grad_output: Tensor, saved: Any) -> tuple[Tensor, ...]:
        """See `Operation`."""
        del saved
        return grad_output, grad_output * self.damping

    def jvp(self, tangents: Sequence[Tensor], saved: Any, images: Tensor) -> Tensor:
        """See `Operation`."""
        del saved, images
        return tangents[0] + tangents[1]


@dataclass(frozen=True, eq=False)
class AutogradOperation:
    """Any other operation that computes each image by itself; differentiated by autograd.

    Attributes:
        inputs: Indices of the values that it reads.
        function: Takes these values.
        is_pointwise: Each position of the output depends on the same position of the inputs alone.
    """

    inputs: tuple[int, ...]
    function: Callable[..., Tensor]
    is_pointwise: bool = False

    def run(self, values: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """See `Operation`."""
        with torch.enable_grad():
            leaves = [value.detach().requires_grad_() for value in values]
            output = self.function(*leaves)
        return output.detach(), (leaves, output)

    def vjp(self, grad_output: Tensor, saved: Any) -> tuple[Tensor, ...]:
        """See `Operation`."""
        leaves, output = saved
        found: tuple[Tensor, ...] = torch.autograd.grad(output, leaves, grad_output)
        return found

    def jvp(self, tangents: Sequence[Tensor], saved: Any, images: Tensor) -> Tensor:
        """See `Operation`."""
        leaves, _ = saved
        values = (leaf.detach().index_select(0, images) for leaf in leaves)
        with forward_ad.dual_level():
            duals = map(forward_ad.make_dual, values, tangents)
            output = forward_ad.unpack_dual(self.function(*duals))  # type: ignore[no-untyped-call]
            change: Tensor | None = output[1]
            return torch.zeros_like(output[0]) if change is None else change.clone()
