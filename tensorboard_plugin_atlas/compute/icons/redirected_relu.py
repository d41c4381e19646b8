# SPDX-License-Identifier: Apache-2.0
"""Gradients through inactive ReLUs, for images that activate no unit of a layer.

No gradient passes through ReLUs that are all inactive, so such an image could never be improved.
For these images alone the backward pass is repeated with leaky ReLUs, as in Lucid's "redirected"
ReLU. The output of the layer does not change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

Network = Callable[[Tensor], Tensor]

_LEAK: Final = 0.1
_RELUS: Final = frozenset(
    {
        F.hardtanh,
        F.relu,
        F.relu6,
        torch.relu,
        torch.relu_,
        torch.Tensor.relu,
        torch.Tensor.relu_,
    }
)


def run_with_redirected_relu(inputs: Tensor, run: Network, network: Network) -> Tensor:
    """Returns `run(inputs)`, with a redirected gradient for images whose gradient is zero.

    Args:
        inputs: (B, C, H, W).
        run: The network, or the same in another form; autograd must be able to differentiate it.
        network: The network as it was written, for the second backward pass.
    """
    output: Tensor = _RedirectedRun.apply(inputs, run, network)  # type: ignore[no-untyped-call]
    return output


class _RedirectedRun(torch.autograd.Function):
    """A pass through a network as one node of autograd's graph."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, run: Network, network: Network) -> Tensor:
        with torch.enable_grad():
            ctx.inputs = inputs.detach().requires_grad_(ctx.needs_input_grad[0])
            ctx.output = run(ctx.inputs)
        ctx.network = network
        output: Tensor = ctx.output.detach()
        return output

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor) -> tuple[Tensor, None, None]:
        gradient = _compute_gradient(ctx.output, ctx.inputs, grad_output)
        is_zero = gradient.abs().amax((1, 2, 3)) == 0
        if is_zero.any():
            inputs = ctx.inputs.detach()[is_zero].requires_grad_()
            with torch.enable_grad(), _LeakyRelus():
                output = ctx.network(inputs)
            gradient = gradient.clone()
            gradient[is_zero] = _compute_gradient(output, inputs, grad_output[is_zero])
        return gradient, None, None


def _compute_gradient(output: Tensor, inputs: Tensor, grad_output: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(output, inputs, grad_output, materialize_grads=True)
    return gradient


class _LeakyRelus(TorchFunctionMode):
    """Adds `_LEAK` to the slope of all ReLUs inside a block, active or not."""

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        del types
        if func not in _RELUS or not args:
            return func(*args, **(kwargs or {}))
        pixels = args[0]
        leak = _LEAK * (pixels - pixels.detach())  # zero, but its gradient is not
        return func(*args, **(kwargs or {})) + leak
