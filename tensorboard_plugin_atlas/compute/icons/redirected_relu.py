# SPDX-License-Identifier: Apache-2.0
"""A way forward for pictures that wake nothing in a layer.

Behind rectifiers that are all shut no gradient arrives, and a picture cannot learn what would open
them. For such pictures alone the backward pass is repeated with rectifiers that leak a little, as
Lucid's "redirected" rectifiers do; what the layer answers stays what it is.
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
_RECTIFIERS: Final = frozenset(
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


def answered(inputs: Tensor, run: Network, network: Network) -> Tensor:
    """Returns `run(inputs)`, whose gradient is redirected for pictures that get none otherwise.

    Args:
        inputs: (B, C, H, W).
        run: The network, or the same in another form; autograd must be able to follow it.
        network: The network as it was written, for the second backward pass.
    """
    output: Tensor = _Answered.apply(inputs, run, network)  # type: ignore[no-untyped-call]
    return output


class _Answered(torch.autograd.Function):
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
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        found = _pulled(ctx.output, ctx.inputs, gradient)
        asleep = found.abs().amax((1, 2, 3)) == 0
        if asleep.any():
            inputs = ctx.inputs.detach()[asleep].requires_grad_()
            with torch.enable_grad(), _Leaking():
                output = ctx.network(inputs)
            found = found.clone()
            found[asleep] = _pulled(output, inputs, gradient[asleep])
        return found, None, None


def _pulled(output: Tensor, inputs: Tensor, gradient: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(output, inputs, gradient, materialize_grads=True)
    return found


class _Leaking(TorchFunctionMode):
    """Gives the rectifiers inside a block a slope of `_LEAK` more, everywhere."""

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        del types
        if func not in _RECTIFIERS or not args:
            return func(*args, **(kwargs or {}))
        pixels = args[0]
        leak = _LEAK * (pixels - pixels.detach())  # zero, but not so its gradient
        return func(*args, **(kwargs or {})) + leak
