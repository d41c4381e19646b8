# SPDX-License-Identifier: Apache-2.0
"""A smoother derivative of max pooling.

The derivative of a maximum follows the single largest value and ignores others that are almost as
large. Over several pooling layers, attribution then mostly depends on which of two similar
neighbors is larger. Carter et al. (2019, "Activation Atlas") use the derivative of a smoother pool
instead: the mean of x squared over the mean of |x|, which weights large values more but does not
ignore the others (Lucid, `optvis/overrides/smoothed_maxpool_grad.py`). The pooled values remain the
maxima; only the derivative changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_EPSILON: Final = 1e-2
"""Added to the denominator, as in Lucid."""
_POOLS: Final = frozenset({F.max_pool2d, torch.max_pool2d})
_NAMES: Final = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode")


class RelaxedPooling(TorchFunctionMode):
    """Context in which `max_pool2d` has the derivative of a smoother pool but the same values.

    It applies to modules and functions, in forward and backward mode. Pools with dilation, pools
    that return indices, and other maxima (`amax`, adaptive pools) are not changed.

    Attributes:
        count: Number of pools whose derivative was changed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Handles one call of a torch function."""
        output = func(*args, **(kwargs or {}))
        if func not in _POOLS or not isinstance(output, Tensor):
            return output
        arguments = dict(zip(_NAMES, args, strict=False)) | dict(kwargs or {})
        if arguments.get("dilation", 1) not in (1, [1, 1], (1, 1)):
            return output
        self.count += 1
        smooth = _smooth(arguments)
        return output.detach() + (smooth - smooth.detach())


def _smooth(arguments: Mapping[str, Any]) -> Tensor:
    """Returns the mean of squares over the mean of magnitudes in each window of the pool."""
    pixels: Tensor = arguments["input"]
    window = {
        name: arguments[name] for name in ("stride", "padding", "ceil_mode") if name in arguments
    }
    squares = F.avg_pool2d(pixels * pixels, arguments["kernel_size"], **window)
    sizes = F.avg_pool2d(pixels.abs(), arguments["kernel_size"], **window)
    return squares / (_EPSILON + sizes)
