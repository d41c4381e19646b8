# SPDX-License-Identifier: Apache-2.0
"""A truncated network as a list of operations with hand-written input gradients.

Icons need hundreds of forward and backward passes through one frozen network, and only the gradient
of the input. Autograd saves more than that, and pads, clamps and copies whole maps in operations of
their own. Here a convolution includes its padding, bias and ReLU, and its gradient is another
convolution where that is possible.

The operations are read from one traced pass (`make_fx`), so it does not matter how the network was
written. A network with an unsupported operation, or whose results differ, runs on plain autograd.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from tensorboard_plugin_atlas.compute.fastpath.fallback_reasons import Fallback, log_fallback
from tensorboard_plugin_atlas.compute.fastpath.graph_reader import GraphReader
from tensorboard_plugin_atlas.compute.fastpath.operations import (
    Convolution,
    Operation,
    ResidualAdd,
)

_RELATIVE_TOLERANCE, _ABSOLUTE_TOLERANCE = 1e-3, 1e-4

_GRADIENT_TOLERANCE: Final = 1e-2
"""Relative error of the input gradient, in the L2 norm.

Rounding differs between two ways to compute a network, and where a unit's input is almost 0 or 6,
its ReLU6 is active in one and inactive in the other. In 2 of 8 pairs of photographs, such a unit
changed the gradient at the end of EfficientNet-Lite0 by 1e-4 to 1e-3. All other errors were below
1e-6, and a wrong gradient is off by more than 1e-1.
"""
_SKIPPED: Final = object()
_FREED: Final = torch.empty(0)


@dataclass(frozen=True, eq=False)
class Program:
    """A network up to a layer, with its forward pass, VJP and JVP; see `compile_program`.

    Attributes:
        operations: In order. Operation k computes value k + 1, and value 0 is the input.
        dtype: Of the computation; input and output are float32.
    """

    operations: tuple[Operation, ...]
    dtype: torch.dtype = torch.float32

    def __call__(self, inputs: Tensor, skip: Collection[int] = ()) -> Tensor:
        """Returns the layer's output (B, C, H, W); autograd can differentiate it once.

        Args:
            inputs: (B, C, H, W) float32.
            skip: Indices of `branches` that add nothing in this pass.
        """
        if not inputs.requires_grad:
            return self.run(inputs, skip, save=False)[0]
        output: Tensor = _RunProgram.apply(inputs, self, skip)  # type: ignore[no-untyped-call]
        return output

    def run(
        self, inputs: Tensor, skip: Collection[int] = (), *, save: bool = True
    ) -> tuple[Tensor, list[Any]]:
        """Returns the layer's output, and what `vjp` and `jvp` need where `save` is true.

        Otherwise each value is freed after its last use.
        """
        values = [inputs.to(self.dtype).contiguous(memory_format=torch.channels_last)]
        saved: list[Any] = []
        sums = {self.branches[branch].stop for branch in skip}
        skipped = {index for branch in skip for index in self.branches[branch]}
        for index, operation in enumerate(self.operations):
            if index in skipped:
                output, more = values[-1], None  # nothing reads it
            elif index in sums:
                output, more = values[operation.inputs[0]], _SKIPPED
            else:
                output, more = operation.run([values[i] for i in operation.inputs])
            values.append(output)
            if save:
                saved.append(more)
                continue
            for source in self._last_reads[index]:
                values[source] = _FREED
        return values[-1].float(), saved

    @cached_property
    def _last_reads(self) -> tuple[tuple[int, ...], ...]:
        """For each operation, the values that no later operation reads."""
        last = {i: index for index, o in enumerate(self.operations) for i in o.inputs}
        return tuple(
            tuple({i for i in o.inputs if last[i] == index})
            for index, o in enumerate(self.operations)
        )

    @cached_property
    def branches(self) -> tuple[range, ...]:
        """The residual branches with an identity shortcut, as ranges of operations.

        A `ResidualAdd` follows each of them.
        """
        found = (self._find_branch(index) for index in range(len(self.operations)))
        return tuple(branch for branch in found if branch)

    def _find_branch(self, index: int) -> range:
        """Returns the branch that one operation adds, if no other operation reads its values."""
        operation = self.operations[index]
        if not isinstance(operation, ResidualAdd) or operation.inputs[1] != index:
            return range(0)
        first = operation.inputs[0]
        inner = all(i >= first for o in self.operations[first:index] for i in o.inputs)
        outer = all(i > index for o in self.operations[index + 1 :] for i in o.inputs)
        return range(first, index) if inner and outer else range(0)

    def vjp(self, grad_output: Tensor, saved: list[Any]) -> Tensor:
        """Returns the input gradient for an output gradient; empties `saved`."""
        last = len(self.operations)
        own = grad_output.to(self.dtype, copy=True).contiguous(memory_format=torch.channels_last)
        gradients = {last: own}
        for index in range(last, 0, -1):
            known, operation = gradients.pop(index, None), self.operations[index - 1]
            more = saved.pop()
            if known is None:
                continue  # the output does not depend on this value
            parts = (known,) if more is _SKIPPED else operation.vjp(known, more)
            for source, part in zip(operation.inputs, parts, strict=more is not _SKIPPED):
                gradients[source] = gradients[source].add_(part) if source in gradients else part
        return gradients[0].float()

    def jvp(self, tangent: Tensor, saved: Sequence[Any], images: Tensor) -> Tensor:
        """Returns the tangent of the output for a tangent of the input.

        Args:
            tangent: (n, C, H, W).
            saved: From a `run` in float32 that skipped nothing; it is not emptied.
            images: (n,) int64: row of that run's inputs to which each tangent belongs.
        """
        tangents = [tangent.contiguous(memory_format=torch.channels_last)]
        for index, (operation, more) in enumerate(zip(self.operations, saved, strict=True)):
            tangents.append(operation.jvp([tangents[i] for i in operation.inputs], more, images))
            for source in self._last_reads[index]:
                tangents[source] = _FREED
        return tangents[-1]

    def to_bfloat16(self) -> Program:
        """Returns a bfloat16 copy of the program; see `precision`."""
        converted = (o.to_bfloat16() if isinstance(o, Convolution) else o for o in self.operations)
        return Program(tuple(converted), torch.bfloat16)


class _RunProgram(torch.autograd.Function):
    """A program as one node of autograd's graph."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, program: Program, skip: Collection[int]) -> Tensor:
        output, ctx.saved = program.run(inputs, skip)
        ctx.program = program
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None]:
        return ctx.program.vjp(grad_output, ctx.saved), None, None


def compile_program(
    run: Callable[[Tensor], Tensor], check: Tensor, *, task: str, damping: float = 1.0
) -> Program | Fallback:
    """Compiles a truncated network into a program by tracing one pass.

    Args:
        run: The truncated network: takes float32 (B, C, H, W) on the CPU, returns the layer's
            output.
        check: An input on which the program is compared with autograd; B at least 2.
        task: What the program is for, such as "icons of layer 'layer3'"; named in the log.
        damping: Factor on the gradient of residual branches. Less than 1 leaves more of the
            gradient to the shortcuts, where it is smoother.

    Returns:
        The program. A `Fallback`, which is logged, where the network has an unsupported operation,
        its output is not (B, C, H, W), where the output differs by more than 1e-3 relative and 1e-4
        of the largest value, or the gradient by more than 1e-2 in the relative L2 norm.
    """
    reason = explain_unavailable(check)
    if reason is not None:
        return log_fallback(task, reason)
    try:
        graph = make_fx(run)(check)
        exact = Program(tuple(GraphReader(graph).read_all()))
        reason = _explain_difference(exact, run, check)
    except Exception as error:  # tracing runs the user's code
        return log_fallback(task, error)
    if reason is not None:
        return log_fallback(task, reason)
    return Program(tuple(_set_damping(operation, damping) for operation in exact.operations))


def explain_unavailable(inputs: Tensor) -> str | None:
    """Returns why no network can use the fast path for such inputs, or None."""
    if inputs.device.type != "cpu":
        return f"the model is on {inputs.device.type}, and the fast path needs the CPU"
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return "this build of PyTorch has no oneDNN"
    return None


def _set_damping(operation: Operation, damping: float) -> Operation:
    return replace(operation, damping=damping) if isinstance(operation, ResidualAdd) else operation


def _explain_difference(
    program: Program, run: Callable[[Tensor], Tensor], check: Tensor
) -> str | None:
    """Returns how a program differs from autograd, or None; also checks another batch size."""
    inputs = torch.cat([check, check[:1]]).requires_grad_()
    expected = run(inputs)
    if expected.ndim != 4:
        return f"the output of the layer has {expected.ndim} dimensions, and the fast path needs 4"
    cotangent = torch.linspace(-1, 1, expected.numel(), dtype=torch.float32, device="cpu")
    cotangent = cotangent.view_as(expected)
    (expected_gradient,) = torch.autograd.grad(expected, inputs, cotangent)
    with torch.no_grad():
        output, saved = program.run(inputs)
        gradient = program.vjp(cotangent, saved)
    if not _is_close(output, expected.detach()):
        return "the output differs from that of the network"
    error = float((gradient - expected_gradient).norm())
    if not error <= _GRADIENT_TOLERANCE * float(expected_gradient.norm()):
        return "the input gradient differs from that of autograd"
    return None


def _is_close(found: Tensor, expected: Tensor) -> bool:
    tolerance = _ABSOLUTE_TOLERANCE * float(expected.abs().max())
    return found.shape == expected.shape and torch.allclose(
        found, expected, rtol=_RELATIVE_TOLERANCE, atol=tolerance
    )
