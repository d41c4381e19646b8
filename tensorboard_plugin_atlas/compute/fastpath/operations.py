# SPDX-License-Identifier: Apache-2.0
"""The operations that a program is made of: each runs forward and pulls a gradient back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Protocol

import torch
from torch import Tensor
from torch.autograd import forward_ad

from tensorboard_plugin_atlas.compute.fastpath.prepacked_conv import NONE, RELU, RELU6, Kernel
from tensorboard_plugin_atlas.compute.fastpath.subpixel_grad import Phases

aten: Final[Any] = torch.ops.aten

_FEW_CHANNELS, _CACHED_VALUES = 64, 1 << 21


class Operation(Protocol):
    """One step. A gradient that it is given, or gives, belongs to whoever receives it."""

    @property
    def inputs(self) -> tuple[int, ...]:
        """Which values it is made of."""

    def run(self, values: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """Returns the output, and what `pull` needs besides."""

    def pull(self, gradient: Tensor, kept: Any) -> tuple[Tensor, ...]:
        """Returns the gradient of each input."""

    def push(self, directions: Sequence[Tensor], kept: Any, rows: Tensor) -> Tensor:
        """Returns the output's change along changes of the inputs, of pictures `rows` of `kept`."""


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution with its bias, its padding and the rectifier behind it."""

    inputs: tuple[int, ...]
    weight: Tensor
    bias: Tensor | None
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    rectifier: str = NONE

    def run(self, values: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """See `Operation`."""
        (pixels,) = values
        output = self._kernel.over(pixels, self.bias, self.rectifier)
        return output, (pixels, output)

    def pull(self, gradient: Tensor, kept: Any) -> tuple[Tensor, ...]:
        """See `Operation`."""
        pixels, output = kept
        self._shut(gradient, output)
        if self._turned is not None:
            return (self._turned.over(gradient),)
        if self._read is not None:
            return (self._scattered(self._read.over(gradient), pixels),)
        if self._phases is not None and self._phases.fit(pixels):
            return (self._phases.gradient(gradient, pixels),)
        return (self._gradient(gradient, pixels),)

    def push(self, directions: Sequence[Tensor], kept: Any, rows: Tensor) -> Tensor:
        """See `Operation`."""
        (direction,) = directions
        change = self._kernel.over(direction)
        if self.rectifier == NONE:
            return change
        output = kept[1].index_select(0, rows).contiguous(memory_format=torch.channels_last)
        self._shut(change, output)
        return change

    def _shut(self, change: Tensor, output: Tensor) -> None:
        """Overwrites with zero what the rectifier lets through neither forward nor back."""
        if self.rectifier == RELU6:
            aten.hardtanh_backward.grad_input(change, output, 0.0, 6.0, grad_input=change)
        elif self.rectifier == RELU:
            aten.threshold_backward.grad_input(change, output, 0.0, grad_input=change)

    def _gradient(self, gradient: Tensor, pixels: Tensor) -> Tensor:
        # Larger maps than the cache holds take three times as long.
        count = max(1, len(pixels) * _CACHED_VALUES // pixels.numel())
        if len(pixels) > count:
            pairs = zip(torch.split(gradient, count), torch.split(pixels, count), strict=True)
            return torch.cat([self._gradient(*pair) for pair in pairs])
        # In bfloat16 this kernel takes twenty times as long. Of the pixels it reads the shape.
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

    def _scattered(self, gradient: Tensor, pixels: Tensor) -> Tensor:
        found, (down, right) = torch.zeros_like(pixels), self.stride
        found[:, :, ::down, ::right] = gradient
        return found

    def rounded(self) -> Convolution:
        """Returns the same in bfloat16."""
        bias = None if self.bias is None else self.bias.bfloat16()
        return replace(self, weight=self.weight.bfloat16(), bias=bias)

    @cached_property
    def _kernel(self) -> Kernel:
        return Kernel(self.weight, self.stride, self.padding, self.dilation, self.groups)

    @cached_property
    def _turned(self) -> Kernel | None:
        """Returns the convolution that gives the input's gradient."""
        outputs, each, height, width = self.weight.shape
        padding = (height - 1 - self.padding[0], width - 1 - self.padding[1])
        if self.stride != (1, 1) or self.dilation != (1, 1) or min(padding) < 0:
            return None
        if self.groups == 1:
            turned = self.weight.transpose(0, 1)
        elif each == 1 and outputs == self.groups:
            turned = self.weight
        else:
            return None
        return Kernel(turned.flip(2, 3), padding=padding, groups=self.groups)

    @cached_property
    def _read(self) -> Kernel | None:
        """Returns the convolution that gives the gradient of the only pixels that were read."""
        alone = self.weight.shape[2:] == (1, 1) and self.padding == (0, 0) and self.groups == 1
        return Kernel(self.weight.transpose(0, 1)) if alone else None

    @cached_property
    def _phases(self) -> Phases | None:
        if self.groups != 1 or self.dilation != (1, 1) or self.weight.shape[1] > _FEW_CHANNELS:
            return None
        return Phases.of(self.weight, self.stride, self.padding)


@dataclass(frozen=True, eq=False)
class Sum:
    """The end of a residual block: `inputs` are the shortcut and the branch."""

    inputs: tuple[int, ...]
    damping: float = 1.0

    def run(self, values: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """See `Operation`."""
        return values[0] + values[1], None

    def pull(self, gradient: Tensor, kept: Any) -> tuple[Tensor, ...]:
        """See `Operation`."""
        del kept
        return gradient, gradient * self.damping

    def push(self, directions: Sequence[Tensor], kept: Any, rows: Tensor) -> Tensor:
        """See `Operation`."""
        del kept, rows
        return directions[0] + directions[1]


@dataclass(frozen=True, eq=False)
class Other:
    """Any operation that treats each picture by itself; autograd knows its gradient.

    Attributes:
        inputs: See `Operation`.
        function: Of as many tensors.
        pointwise: Each place of the output is made of the same place of inputs of its size.
    """

    inputs: tuple[int, ...]
    function: Callable[..., Tensor]
    pointwise: bool = False

    def run(self, values: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """See `Operation`."""
        with torch.enable_grad():
            leaves = [value.detach().requires_grad_() for value in values]
            output = self.function(*leaves)
        return output.detach(), (leaves, output)

    def pull(self, gradient: Tensor, kept: Any) -> tuple[Tensor, ...]:
        """See `Operation`."""
        leaves, output = kept
        found: tuple[Tensor, ...] = torch.autograd.grad(output, leaves, gradient)
        return found

    def push(self, directions: Sequence[Tensor], kept: Any, rows: Tensor) -> Tensor:
        """See `Operation`."""
        leaves, _ = kept
        values = (leaf.detach().index_select(0, rows) for leaf in leaves)
        with forward_ad.dual_level():
            duals = map(forward_ad.make_dual, values, directions)
            output = forward_ad.unpack_dual(self.function(*duals))  # type: ignore[no-untyped-call]
            change: Tensor | None = output[1]
            return torch.zeros_like(output[0]) if change is None else change.clone()
