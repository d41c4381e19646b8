# SPDX-License-Identifier: Apache-2.0
"""A program that reckons no more of each map than the places that are looked at.

An icon is judged by the middle of a layer's map, and what that middle sees of the maps before it is
often a small part of them. `narrowed` follows the places that count from the output to the input
and cuts every operation down to its share: the same numbers, at a third of the cost for a layer
that sees 18 px of a tile of 28.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor

from tensorboard_plugin_atlas.compute.fastpath.operations import Convolution, Operation, Other, Sum
from tensorboard_plugin_atlas.compute.fastpath.program import Program

LARGEST_SHARE: Final = 0.8
"""Of a program's multiplications: where more are left, cutting costs what it saves."""


@dataclass(frozen=True)
class Span:
    """Rows, or columns, of a map: those from `first` to before `end`."""

    first: int
    end: int

    def __len__(self) -> int:
        return max(0, self.end - self.first)

    def __or__(self, other: Span) -> Span:
        return Span(min(self.first, other.first), max(self.end, other.end))

    def within(self, count: int) -> Span:
        """Returns what is left of it on a map with so many rows."""
        return Span(max(self.first, 0), min(self.end, count))

    def seen(self, kernel: int, stride: int, padding: int, dilation: int) -> Span:
        """Returns what a convolution reads for it, padding included.

        Ends on a whole stride, for then the gradient can be reckoned by phases.
        """
        first = self.first * stride - padding
        read = (len(self) - 1) * stride + dilation * (kernel - 1) + 1
        return Span(first, first + math.ceil(read / stride) * stride)


Window = tuple[Span, Span]
"""Rows and columns of a map."""

Margins = tuple[int, int, int, int]
"""Left, right, top and bottom, as for `F.pad`; less than none cuts off."""


@dataclass(frozen=True, eq=False)
class Cut:
    """Takes a part of a map, with zeros around it where it reaches beyond.

    Attributes:
        inputs: The one value.
        margins: How much is added on each side.
    """

    inputs: tuple[int, ...]
    margins: Margins

    def run(self, values: Sequence[Tensor]) -> tuple[Tensor, Any]:
        """See `Operation`."""
        return _padded(values[0], self.margins), None

    def pull(self, gradient: Tensor, kept: Any) -> tuple[Tensor, ...]:
        """See `Operation`."""
        del kept
        left, right, top, bottom = self.margins
        return (_padded(gradient, (-left, -right, -top, -bottom)),)

    def push(self, directions: Sequence[Tensor], kept: Any, rows: Tensor) -> Tensor:
        """See `Operation`."""
        del kept, rows
        return _padded(directions[0], self.margins)


def narrowed(program: Program, like: Tensor, window: Window) -> Program | None:
    """Returns a program that gives a part of the layer's map and reckons nothing besides.

    Args:
        program: The whole.
        like: (B, C, H, W), of the shape of its inputs.
        window: The rows and columns wanted of the output.

    Returns:
        The narrower program, of inputs as large as before and without branches to leave out; None
        where more than `LARGEST_SHARE` of the work would be left.
    """
    whole = _whole_windows(program, like)
    needed, reads = _followed(program.operations, whole, window)
    pairs = zip(program.operations, reads, strict=True)
    if not all(_is_inside(operation, read, whole) for operation, read in pairs):
        return None
    if _work(program, needed) > LARGEST_SHARE * _work(program, whole):
        return None
    return Program(tuple(_cut_down(program, needed, reads, window)), program.dtype)


def _is_inside(operation: Operation, reads: Sequence[Window], whole: Sequence[Window]) -> bool:
    """Tells whether an operation reads anything but padding of each input."""
    return all(
        len(span.within(len(limits)))
        for source, part in zip(operation.inputs, reads, strict=False)
        for span, limits in zip(part, whole[source], strict=True)
    )


def _whole_windows(program: Program, like: Tensor) -> list[Window]:
    """Returns the rows and columns of every value, the input first."""
    values = [like[:1].to(program.dtype).contiguous(memory_format=torch.channels_last)]
    for operation in program.operations:
        values.append(operation.run([values[i] for i in operation.inputs])[0])
    return [(Span(0, value.shape[2]), Span(0, value.shape[3])) for value in values]


def _followed(
    operations: Sequence[Operation], whole: Sequence[Window], window: Window
) -> tuple[list[Window | None], list[tuple[Window, ...]]]:
    """Follows what counts from the output to the input.

    Returns:
        What is needed of each value, None for one that nobody needs; and what each operation reads
        of each of its inputs, which may reach beyond their edges.
    """
    needed: list[Window | None] = [None] * len(whole)
    needed[-1] = window
    reads: list[tuple[Window, ...]] = [()] * len(operations)
    for place in range(len(operations) - 1, -1, -1):
        own, operation = needed[place + 1], operations[place]
        if own is None:
            continue
        if isinstance(operation, Other) and not operation.pointwise:
            own = needed[place + 1] = whole[place + 1]
        sources = [whole[source] for source in operation.inputs]
        reads[place] = _read(operation, own, whole[place + 1], sources)
        for source, part in zip(operation.inputs, reads[place], strict=True):
            known, limits = needed[source], whole[source]
            inside = part[0].within(len(limits[0])), part[1].within(len(limits[1]))
            needed[source] = (
                inside if known is None else (known[0] | inside[0], known[1] | inside[1])
            )
    needed[0] = whole[0]  # whatever counts of it, it is there
    return needed, reads


def _read(
    operation: Operation, own: Window, whole: Window, sources: Sequence[Window]
) -> tuple[Window, ...]:
    """Returns what an operation reads of each input to give `own` of its output."""
    if isinstance(operation, Convolution):
        rows, columns = (
            own[axis].seen(
                operation.weight.shape[2 + axis],
                operation.stride[axis],
                operation.padding[axis],
                operation.dilation[axis],
            )
            for axis in (0, 1)
        )
        return ((rows, columns),)
    alike = isinstance(operation, Sum) or (isinstance(operation, Other) and operation.pointwise)
    return tuple(own if alike and source == whole else source for source in sources)


def _work(program: Program, windows: Sequence[Window | None]) -> int:
    """Returns the multiplications of one pass in which so much of every value is made."""
    total = 0
    for operation, window in zip(program.operations, windows[1:], strict=True):
        if isinstance(operation, Convolution) and window is not None:
            total += len(window[0]) * len(window[1]) * operation.weight.numel()
    return total


def _cut_down(
    program: Program,
    needed: Sequence[Window | None],
    reads: Sequence[tuple[Window, ...]],
    window: Window,
) -> list[Operation]:
    """Returns the operations that are needed, with cuts where a value holds more, or too little."""
    found: list[Operation] = []
    places = {0: 0}

    def cut(source: int, margins: Margins) -> int:
        if not any(margins):
            return places[source]
        found.append(Cut((places[source],), margins))
        return len(found)

    for place, operation in enumerate(program.operations):
        if needed[place + 1] is None:
            continue
        margins = [
            _margins(needed[source], part)
            for source, part in zip(operation.inputs, reads[place], strict=True)
        ]
        if isinstance(operation, Convolution):
            operation, margins = _padding_itself(operation, margins)
        inputs = tuple(cut(*pair) for pair in zip(operation.inputs, margins, strict=True))
        found.append(replace(operation, inputs=inputs))  # type: ignore[type-var]
        places[place + 1] = len(found)
    last = len(program.operations)
    places[last] = cut(last, _margins(needed[last], window))
    return found


def _padding_itself(
    convolution: Convolution, margins: list[Margins]
) -> tuple[Convolution, list[Margins]]:
    """Leaves even padding to the convolution."""
    ((left, right, top, bottom),) = margins
    if left == right >= 0 and top == bottom >= 0:
        return replace(convolution, padding=(top, left)), [(0, 0, 0, 0)]
    return replace(convolution, padding=(0, 0)), margins


def _margins(held: Window | None, wanted: Window) -> Margins:
    if held is None:
        raise ValueError("a value that is read is needed")
    rows, columns = held
    return (
        columns.first - wanted[1].first,
        wanted[1].end - columns.end,
        rows.first - wanted[0].first,
        wanted[0].end - rows.end,
    )


def _padded(values: Tensor, margins: Margins) -> Tensor:
    return F.pad(values, margins).contiguous(memory_format=torch.channels_last)
