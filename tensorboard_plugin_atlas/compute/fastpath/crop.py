# SPDX-License-Identifier: Apache-2.0
"""Crops a program to the part of each map that a window of the output depends on.

The objective of an icon reads the center of a layer's map, which often depends on a small part of
the maps before it. `crop_program` follows that dependence from the output to the input and crops
every operation to its part: the same numbers, at a third of the cost for a layer whose center sees
18 px of a tile of 28.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from tensorboard_plugin_atlas.compute.fastpath.operations import (
    AutogradOperation,
    Convolution,
    Operation,
    ResidualAdd,
)
from tensorboard_plugin_atlas.compute.fastpath.program import Program

MAX_SHARE: Final = 0.8
"""Largest share of a program's multiplications after cropping; above it, cropping costs more time
than it saves."""


@dataclass(frozen=True)
class Span:
    """Rows, or columns, of a map: from `first` up to but not including `end`."""

    first: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.first)

    def __or__(self, other: Span) -> Span:
        return Span(min(self.first, other.first), max(self.end, other.end))

    def clip(self, count: int) -> Span:
        """Returns the part of the span inside a map with `count` rows."""
        return Span(max(self.first, 0), min(self.end, count))

    def get_input_span(self, kernel: int, stride: int, padding: int, dilation: int) -> Span:
        """Returns the rows that a convolution reads to compute this span, padding included.

        Its length is a multiple of the stride, as `SubpixelGradient` needs.
        """
        first = self.first * stride - padding
        read = (len(self) - 1) * stride + dilation * (kernel - 1) + 1
        return Span(first, first + math.ceil(read / stride) * stride)


Window = tuple[Span, Span]
"""Rows and columns of a map."""

Margins = tuple[int, int, int, int]
"""Left, right, top and bottom, as for `F.pad`; negative numbers crop."""


@dataclass(frozen=True, eq=False)
class CropOrPad:
    """Crops a map, or pads it with zeros.

    Attributes:
        inputs: Index of the one value that it reads.
        margins: What is added on each side.
    """

    inputs: tuple[int, ...]
    margins: Margins

    def run(self, values: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """See `Operation`."""
        return _pad(values[0], self.margins), None

    def vjp(self, grad_output: Tensor, saved: Any) -> tuple[Tensor, ...]:
        """See `Operation`."""
        del saved
        left, right, top, bottom = self.margins
        return (_pad(grad_output, (-left, -right, -top, -bottom)),)

    def jvp(self, tangents: Sequence[Tensor], saved: Any, images: Tensor) -> Tensor:
        """See `Operation`."""
        del saved, images
        return _pad(tangents[0], self.margins)


def crop_program(program: Program, like: Tensor, window: Window) -> Program | None:
    """Returns a program that computes only a window of the output.

    Args:
        program: The whole program.
        like: (B, C, H, W), of the shape of its inputs.
        window: Rows and columns of the output.

    Returns:
        The cropped program, which takes inputs of the same size and has no branches to skip; None
        where more than `MAX_SHARE` of the multiplications would be left.
    """
    whole = _get_whole_windows(program, like)
    needed, reads = _trace_dependence(program.operations, whole, window)
    pairs = zip(program.operations, reads, strict=True)
    if not all(_reads_any_value(operation, read, whole) for operation, read in pairs):
        return None
    if _count_multiplications(program, needed) > MAX_SHARE * _count_multiplications(program, whole):
        return None
    return Program(tuple(_crop_operations(program, needed, reads, window)), program.dtype)


def _reads_any_value(
    operation: Operation, reads: Sequence[Window], whole: Sequence[Window]
) -> bool:
    """Returns whether an operation reads more than padding from each input."""
    return all(
        len(span.clip(len(limits)))
        for source, part in zip(operation.inputs, reads, strict=False)
        for span, limits in zip(part, whole[source], strict=True)
    )


def _get_whole_windows(program: Program, like: Tensor) -> list[Window]:
    """Returns the rows and columns of every value, the input first."""
    values = [like[:1].to(program.dtype).contiguous(memory_format=torch.channels_last)]
    for operation in program.operations:
        values.append(operation.run([values[i] for i in operation.inputs])[0])
    return [(Span(0, value.shape[2]), Span(0, value.shape[3])) for value in values]


def _trace_dependence(
    operations: Sequence[Operation], whole: Sequence[Window], window: Window
) -> tuple[list[Window | None], list[tuple[Window, ...]]]:
    """Finds the part of each value that a window of the output depends on.

    Returns:
        The needed window of each value, None where the output does not depend on it; and what each
        operation reads of each of its inputs, which may reach beyond their borders.
    """
    needed: list[Window | None] = [None] * len(whole)
    needed[-1] = window
    reads: list[tuple[Window, ...]] = [()] * len(operations)
    for index in range(len(operations) - 1, -1, -1):
        own, operation = needed[index + 1], operations[index]
        if own is None:
            continue
        if isinstance(operation, AutogradOperation) and not operation.is_pointwise:
            own = needed[index + 1] = whole[index + 1]
        sources = [whole[source] for source in operation.inputs]
        reads[index] = _get_input_windows(operation, own, whole[index + 1], sources)
        for source, part in zip(operation.inputs, reads[index], strict=True):
            known, limits = needed[source], whole[source]
            inside = part[0].clip(len(limits[0])), part[1].clip(len(limits[1]))
            needed[source] = (
                inside if known is None else (known[0] | inside[0], known[1] | inside[1])
            )
    needed[0] = whole[0]  # the input is given as a whole
    return needed, reads


def _get_input_windows(
    operation: Operation, own: Window, whole: Window, sources: Sequence[Window]
) -> tuple[Window, ...]:
    """Returns the window of each input that an operation reads to compute its window `own`."""
    if isinstance(operation, Convolution):
        rows, columns = (
            own[axis].get_input_span(
                operation.weight.shape[2 + axis],
                operation.stride[axis],
                operation.padding[axis],
                operation.dilation[axis],
            )
            for axis in (0, 1)
        )
        return ((rows, columns),)
    is_pointwise = isinstance(operation, ResidualAdd) or (
        isinstance(operation, AutogradOperation) and operation.is_pointwise
    )
    return tuple(own if is_pointwise and source == whole else source for source in sources)


def _count_multiplications(program: Program, windows: Sequence[Window | None]) -> int:
    """Returns the multiplications of a pass that computes these windows of the values."""
    total = 0
    for operation, window in zip(program.operations, windows[1:], strict=True):
        if isinstance(operation, Convolution) and window is not None:
            total += len(window[0]) * len(window[1]) * operation.weight.numel()
    return total


def _crop_operations(
    program: Program,
    needed: Sequence[Window | None],
    reads: Sequence[tuple[Window, ...]],
    window: Window,
) -> list[Operation]:
    """Returns the needed operations, with a `CropOrPad` where a value has another window."""
    found: list[Operation] = []
    new_index = {0: 0}

    def crop(source: int, margins: Margins) -> int:
        if not any(margins):
            return new_index[source]
        found.append(CropOrPad((new_index[source],), margins))
        return len(found)

    for index, operation in enumerate(program.operations):
        if needed[index + 1] is None:
            continue
        margins = [
            _get_margins(needed[source], part)
            for source, part in zip(operation.inputs, reads[index], strict=True)
        ]
        if isinstance(operation, Convolution):
            operation, margins = _fuse_even_padding(operation, margins)
        inputs = tuple(crop(*pair) for pair in zip(operation.inputs, margins, strict=True))
        found.append(replace(operation, inputs=inputs))  # type: ignore[type-var]
        new_index[index + 1] = len(found)
    last = len(program.operations)
    new_index[last] = crop(last, _get_margins(needed[last], window))
    return found


def _fuse_even_padding(
    convolution: Convolution, margins: list[Margins]
) -> tuple[Convolution, list[Margins]]:
    """Moves even padding into the convolution."""
    ((left, right, top, bottom),) = margins
    if left == right >= 0 and top == bottom >= 0:
        return replace(convolution, padding=(top, left)), [(0, 0, 0, 0)]
    return replace(convolution, padding=(0, 0)), margins


def _get_margins(available: Window | None, needed: Window) -> Margins:
    if available is None:
        raise ValueError("an operation reads a value that is not needed")
    rows, columns = available
    return (
        columns.first - needed[1].first,
        needed[1].end - columns.end,
        rows.first - needed[0].first,
        needed[0].end - rows.end,
    )


def _pad(values: Tensor, margins: Margins) -> Tensor:
    return F.pad(values, margins).contiguous(memory_format=torch.channels_last)
