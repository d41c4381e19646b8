# SPDX-License-Identifier: Apache-2.0
"""The number format for the optimization of icons: float32, or bfloat16 if it is faster.

The gradient of an image is only the direction of one small step, for which the eight bits of a
bfloat16 mantissa are enough. Whether bfloat16 is faster cannot be read from the name of a
processor: with bfloat16 matrix units it halves the time of an icon, without them it doubles it. So
both formats are timed on a few images, in turns, once per process and network, for at most
`MAX_SECONDS`. Where bfloat16 is not clearly faster, or its output differs, float32 is used. The
cosine of an icon is always computed in float32.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tensorboard_plugin_atlas.compute.fastpath.program import Program
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks

Network = Callable[[Tensor], Tensor]
Clock = Callable[[], float]

MAX_SECONDS: Final = 1.0
"""Time limit of a trial. Float32 is used where one pass of two images in each format
takes longer."""

MIN_SPEEDUP: Final = 1.25
"""Speedup over float32 that bfloat16 needs. A smaller one is not worth the lost precision, and may
not be measured again the next time."""

MIN_SECONDS: Final = 0.005
"""Shorter passes cannot be timed well enough that two processes make the same choice."""

_MIN_IMAGES: Final = 2
"""Fewest images of a trial: the differences between images are compared."""

_MIN_PAIRS, _MAX_PAIRS = 3, 7
_CLEAR_FACTOR, _OBVIOUS_FACTOR = 1.05, 1.5
"""Distance from `MIN_SPEEDUP` at which three pairs of passes are enough, and one."""
_LONG_SECONDS: Final = 0.02
"""Pass in float32 from which one pair can be enough to choose bfloat16."""
_MIN_OUTPUT_COSINE, _MIN_GRADIENT_COSINE = 0.98, 0.75
_TINY = 1e-12
_is_faster: dict[Hashable, bool] = {}

_logger: Final = logging.getLogger("tensorboard_plugin_atlas")


def to_bfloat16(network: Network, device: torch.device) -> Network:
    """Returns a bfloat16 copy with float32 inputs and outputs, differentiable once.

    Args:
        network: A program, or any function that autograd and autocast support.
        device: Of its inputs.
    """
    if isinstance(network, Program):
        return network.to_bfloat16()

    def run(inputs: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return network(inputs).float()

    return run


def try_bfloat16(
    network: Network,
    inputs: Tensor,
    *,
    name: Hashable,
    max_seconds: float = MAX_SECONDS,
    clock: Clock | None = None,
    ranks: Ranks = ALONE,
) -> Network | None:
    """Returns the network in bfloat16 if it is faster and its output about equal, else None.

    Args:
        network: As for `to_bfloat16`.
        inputs: (B, C, h, w) float32 natural images, B at least 2, as many and as large as are
            optimized at once. Fewer are used if their passes take long.
        name: Identifies everything that decides the speed. For each name and shape the speed is
            measured once per process, so that all logged steps of a run use the same format.
        max_seconds: Time limit of the trial.
        clock: Returns seconds. By default these are CPU seconds of this thread for inputs on the
            CPU, so that other work on the machine hardly counts, and wall time on other devices.
        ranks: Rank 0 measures, and all use the same format.
    """
    if inputs.dtype != torch.float32 or not torch.is_grad_enabled():
        return None
    candidate = to_bfloat16(network, inputs.device)
    key = (name, inputs.device, tuple(inputs.shape))

    def measure() -> bool:
        if key in _is_faster:
            return _is_faster[key]
        on_cpu = inputs.device.type == "cpu"
        default = time.thread_time if on_cpu else time.perf_counter
        trial = _Trial(network, candidate, clock or default, min(max_seconds, MAX_SECONDS))
        return trial.is_faster(inputs)

    _is_faster[key] = ranks.decide(measure)
    return candidate if _is_faster[key] else None


@dataclass(frozen=True, eq=False)
class _Pass:
    """One forward and backward pass.

    Attributes:
        output: Of the network.
        gradient: Of the inputs, for the cotangent (output - batch mean).
        seconds: Time that it took.
    """

    output: Tensor
    gradient: Tensor
    seconds: float


@dataclass(eq=False)
class _Trial:
    """Compares a network with its bfloat16 copy.

    Attributes:
        exact: The network.
        candidate: Its copy.
        clock: Returns seconds.
        max_seconds: Time limit.
    """

    exact: Network
    candidate: Network
    clock: Clock
    max_seconds: float
    _start: float | None = None

    def _get_seconds_left(self) -> float:
        if self._start is None:
            self._start = self.clock()
        return self.max_seconds - (self.clock() - self._start)

    def is_faster(self, inputs: Tensor) -> bool:
        """Returns whether the copy is clearly faster and has about the same output."""
        try:
            # The first pass of each shape also selects kernels, so it shows only what fits.
            with _Interrupt(lambda: self._get_seconds_left() <= 0):
                first = self._run_pair(inputs[:_MIN_IMAGES])
            count = self._count_images(first, len(inputs))
            if count > _MIN_IMAGES:
                first = self._run_pair(inputs[:count])
            return _agree(*first) and self._is_pair_faster(inputs[:count], first)
        except _TimeIsOverError:
            _logger.info("icons stay in float32 (a trial of bfloat16 takes too long)")
            return False
        except Exception as error:  # no such kernels, or the user's code fails in bfloat16
            _logger.info("icons stay in float32 (%s in bfloat16)", type(error).__name__)
            return False

    def _count_images(self, pair: tuple[_Pass, _Pass], most: int) -> int:
        """Returns how many images fit the time left: one pair that selects kernels, one timed."""
        each = sum(one.seconds for one in pair) / _MIN_IMAGES
        return max(_MIN_IMAGES, min(most, int(self._get_seconds_left() / max(2 * each, _TINY))))

    def _is_pair_faster(self, inputs: Tensor, first: tuple[_Pass, _Pass]) -> bool:
        times: list[tuple[float, float]] = []
        longest = sum(one.seconds for one in first)
        while not _are_enough(times) and self._get_seconds_left() >= longest:
            exact, other = self._run_pair(inputs)
            times.append((exact.seconds, other.seconds))
            longest = exact.seconds + other.seconds
        times = times or [(first[0].seconds, first[1].seconds)]
        fastest = min(own for own, _ in times)
        return fastest >= MIN_SECONDS and min(_get_speedups(times)) >= MIN_SPEEDUP

    def _run_pair(self, inputs: Tensor) -> tuple[_Pass, _Pass]:
        return self._run(self.exact, inputs), self._run(self.candidate, inputs)

    def _run(self, network: Network, inputs: Tensor) -> _Pass:
        start = self.clock()
        output, gradient = _run_both_ways(network, inputs)
        float(output.sum() + gradient.sum())  # waits until both are computed
        return _Pass(output, gradient, self.clock() - start)


class _TimeIsOverError(Exception):
    """The time limit was reached in the middle of a pass."""


class _Interrupt(TorchDispatchMode):
    """Raises _TimeIsOverError before an operation once `is_over` returns True.

    It slows small operations down, so passes that are compared must not run inside it.
    """

    def __init__(self, is_over: Callable[[], bool]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._is_over = is_over

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if self._is_over():
            raise _TimeIsOverError
        return func(*args, **(kwargs or {}))


def _get_speedups(times: list[tuple[float, float]]) -> tuple[float, float]:
    """Returns the speedup of the second format: the median of the pairs, and of the fastest passes.

    What slows a machine for a while slows both passes of a pair, but not all pairs. What slows one
    pass alone changes neither the median of several nor the fastest.
    """
    fastest, other = (max(min(passes), _TINY) for passes in zip(*times, strict=True))
    return statistics.median(own / max(one, _TINY) for own, one in times), fastest / other


def _are_enough(times: list[tuple[float, float]]) -> bool:
    """Returns whether both speedups lead clearly to the same choice, or no more may be timed."""
    if not 0 < len(times) < _MAX_PAIRS:
        return bool(times)
    factor = _OBVIOUS_FACTOR if len(times) < _MIN_PAIRS else _CLEAR_FACTOR
    speedups = _get_speedups(times)
    if max(speedups) <= MIN_SPEEDUP / factor:
        return True
    # One slow pass of a small network in float32 must not decide for bfloat16.
    is_reliable = len(times) >= _MIN_PAIRS or times[0][0] >= _LONG_SECONDS
    return is_reliable and min(speedups) >= MIN_SPEEDUP * factor


def _agree(exact: _Pass, other: _Pass) -> bool:
    """Returns whether two networks have about the same outputs and input gradients.

    Icons are optimized by activations relative to the mean of the layer, and these differences are
    small where the mean is large. So the differences between images must agree.
    """
    if other.output.shape != exact.output.shape:
        return False
    if not (other.output.isfinite().all() and other.gradient.isfinite().all()):
        return False
    centered = (one.output - one.output.mean(0) for one in (other, exact))
    return (
        _mean_cosine(*centered) >= _MIN_OUTPUT_COSINE
        and _mean_cosine(other.gradient, exact.gradient) >= _MIN_GRADIENT_COSINE
    )


def _run_both_ways(network: Network, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the output, and the input gradient for the cotangent (output - batch mean)."""
    inputs = inputs.detach().requires_grad_()
    output = network(inputs)
    cotangent = (output - output.mean(0)).detach()
    (gradient,) = torch.autograd.grad(output, inputs, cotangent, materialize_grads=True)
    return output.detach(), gradient


def _mean_cosine(first: Tensor, second: Tensor) -> float:
    """Returns the mean cosine of B pairs of tensors."""
    return float(F.cosine_similarity(first.flatten(1), second.flatten(1), dim=1).mean())
