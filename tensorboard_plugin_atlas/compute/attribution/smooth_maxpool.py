# SPDX-License-Identifier: Apache-2.0
"""Derivatives of max pooling that are not a matter of luck.

The derivative of a maximum follows the one value that happened to be largest, and none of those
beside it that all but were: over a few layers of pooling most of an attribution is which of two
like neighbors won. Carter et al. (2019, "Activation Atlas") take the derivative of a smoother
pool instead, the mean of x squared over the mean of |x|, which leans to the largest without
forgetting the rest (Lucid, `optvis/overrides/smoothed_maxpool_grad.py`). What is pooled stays the
maximum: only its derivative is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_ROOM: Final = 1e-2
"""Added to the mean that is divided by, as Lucid does."""
_POOLS: Final = frozenset({F.max_pool2d, torch.max_pool2d})
_NAMES: Final = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode")


class RelaxedPooling(TorchFunctionMode):
    """Within it, `max_pool2d` gives what it gives, with the derivative of the smoother pool.

    It holds for modules and functions alike, in forward and backward mode. Pools with dilation,
    pools that tell where the largest was, and maxima taken otherwise (`amax`, adaptive pools) are
    left alone.

    Attributes:
        met: How many pools were relaxed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.met = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Answers one call of torch."""
        answer = func(*args, **(kwargs or {}))
        if func not in _POOLS or not isinstance(answer, Tensor):
            return answer
        given = dict(zip(_NAMES, args, strict=False)) | dict(kwargs or {})
        if given.get("dilation", 1) not in (1, [1, 1], (1, 1)):
            return answer
        self.met += 1
        smooth = _smooth(given)
        return answer.detach() + (smooth - smooth.detach())


def _smooth(given: Mapping[str, Any]) -> Tensor:
    """Returns the mean of squares over the mean of magnitudes, in the pool's own windows."""
    pixels: Tensor = given["input"]
    window = {name: given[name] for name in ("stride", "padding", "ceil_mode") if name in given}
    squares = F.avg_pool2d(pixels * pixels, given["kernel_size"], **window)
    sizes = F.avg_pool2d(pixels.abs(), given["kernel_size"], **window)
    return squares / (_ROOM + sizes)
