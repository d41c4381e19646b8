# SPDX-License-Identifier: Apache-2.0
"""The number format for the optimization of icons: float32, or bfloat16 if it is faster.

The gradient of an image is only the direction of one small step, for which the eight bits of a
bfloat16 mantissa are enough. Whether bfloat16 is faster cannot be read from the name of a
processor: with bfloat16 matrix units it halves the time of an icon, without them it doubles it. So
both formats are timed on a few images, in turns, once per process and network. Where bfloat16 is
not clearly faster, or its output differs, float32 is used. The cosine of an icon is always computed
in float32.
"""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Hashable
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from tensorboard_plugin_atlas.compute.fastpath.program import Program

Network = Callable[[Tensor], Tensor]
Timer = Callable[[Network, Tensor], float]

MIN_SPEEDUP: Final = 1.25
"""Speedup over float32 that bfloat16 needs. A smaller one is not worth the lost precision, and may
not be measured again the next time."""

MIN_SECONDS: Final = 0.005
"""Shorter passes cannot be timed well enough that two processes make the same choice."""

_MIN_PAIRS, _MAX_PAIRS, _CLEAR_FACTOR = 3, 7, 1.05
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
    network: Network, inputs: Tensor, *, name: Hashable, timer: Timer | None = None
) -> Network | None:
    """Returns the network in bfloat16 if it is faster and its output about equal, else None.

    Args:
        network: As for `to_bfloat16`.
        inputs: (B, C, h, w) float32 natural images, B at least 2, as many and as large as are
            optimized at once.
        name: Identifies everything that decides the speed. For each name and shape the speed is
            measured once per process, so that all checkpoints of a run use the same format.
        timer: Returns the seconds of one forward and backward pass; `measure_seconds` if omitted.
    """
    if inputs.dtype != torch.float32 or not torch.is_grad_enabled():
        return None
    candidate = to_bfloat16(network, inputs.device)
    key = (name, inputs.device, tuple(inputs.shape))
    if key not in _is_faster:
        _is_faster[key] = _is_better(network, candidate, inputs, timer or measure_seconds)
    return candidate if _is_faster[key] else None


def measure_seconds(network: Network, inputs: Tensor) -> float:
    """Returns the seconds of one forward and backward pass.

    On the CPU these are CPU seconds of this thread, so that other work on the machine or in the
    process hardly counts.
    """
    on_cpu = inputs.device.type == "cpu"
    clock = time.thread_time if on_cpu else time.perf_counter
    start = clock()
    output, gradient = _run_both_ways(network, inputs)
    if not on_cpu:
        float(output.sum() + gradient.sum())  # waits until both are computed
    return clock() - start


def _is_better(exact: Network, candidate: Network, inputs: Tensor, timer: Timer) -> bool:
    try:
        # The first pass of each is not timed: it selects kernels.
        if not _agree(exact, candidate, inputs):
            return False
        times: list[tuple[float, float]] = []
        while not _are_enough(times):
            times.append((timer(exact, inputs), timer(candidate, inputs)))
    except Exception as error:  # there are no such kernels, or the user's code fails in bfloat16
        _logger.info("icons stay in float32 (%s in bfloat16)", type(error).__name__)
        return False
    fastest = min(own for own, _ in times)
    return fastest >= MIN_SECONDS and min(_get_speedups(times)) >= MIN_SPEEDUP


def _get_speedups(times: list[tuple[float, float]]) -> tuple[float, float]:
    """Returns the speedup of the second format: the median of the pairs, and of the fastest passes.

    What slows a machine for a while slows both passes of a pair, but not all pairs. What slows one
    pass alone changes neither the median of several nor the fastest.
    """
    fastest, other = (max(min(passes), _TINY) for passes in zip(*times, strict=True))
    return statistics.median(own / max(one, _TINY) for own, one in times), fastest / other


def _are_enough(times: list[tuple[float, float]]) -> bool:
    """Returns whether both speedups lead clearly to the same choice, or no more may be timed."""
    if not _MIN_PAIRS <= len(times) < _MAX_PAIRS:
        return len(times) >= _MAX_PAIRS
    speedups = _get_speedups(times)
    is_clear_gain = min(speedups) >= MIN_SPEEDUP * _CLEAR_FACTOR
    return is_clear_gain or max(speedups) <= MIN_SPEEDUP / _CLEAR_FACTOR


def _agree(exact: Network, candidate: Network, inputs: Tensor) -> bool:
    """Returns whether two networks have about the same outputs and input gradients.

    Icons are optimized by activations relative to the mean of the layer, and these differences are
    small where the mean is large. So the differences between images must agree.
    """
    (expected, slope), (output, own) = (_run_both_ways(run, inputs) for run in (exact, candidate))
    if output.shape != expected.shape or not (output.isfinite().all() and own.isfinite().all()):
        return False
    centered = (output - output.mean(0), expected - expected.mean(0))
    return (
        _mean_cosine(*centered) >= _MIN_OUTPUT_COSINE
        and _mean_cosine(own, slope) >= _MIN_GRADIENT_COSINE
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
