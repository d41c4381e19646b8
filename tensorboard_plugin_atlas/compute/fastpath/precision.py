# SPDX-License-Identifier: Apache-2.0
"""In which number format icons are optimized: float32, or bfloat16 where it was measured faster.

A picture's gradient serves as a direction for one small step, and eight bits of mantissa are enough
to point the way. Whether they are faster nobody can tell from a processor's name: on processors
with bfloat16 products they halve the time of an icon, on others they double it. So both formats run
on a few pictures, in turns, once in a process for each network; where bfloat16 is not clearly
faster, or answers otherwise, float32 stays. What an icon's cosine says is always read in float32.
"""

from __future__ import annotations

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

LEAST_GAIN: Final = 1.25
"""How many times as fast as float32 it must be: less is not worth what it loses, nor is it sure to
be measured alike the next time."""

LEAST_SECONDS: Final = 0.005
"""A shorter pass cannot be timed so surely that two processes choose alike, nor need it be."""

_FEWEST_PAIRS, _MOST_PAIRS, _CLEARLY = 3, 7, 1.05
_LEAST_AGREEMENT, _LEAST_SLOPE_AGREEMENT = 0.98, 0.75
_TINY = 1e-12
_measured: dict[Hashable, bool] = {}


def rounded(network: Network, device: torch.device) -> Network:
    """Returns the same network in bfloat16: float32 in and out, differentiable once.

    Args:
        network: A program, or anything that autograd follows and autocast knows.
        device: Where its inputs are.
    """
    if isinstance(network, Program):
        return network.rounded()

    def run(inputs: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return network(inputs).float()

    return run


def faster(
    network: Network, inputs: Tensor, *, name: Hashable, timer: Timer | None = None
) -> Network | None:
    """Returns the network in bfloat16 where that is faster and answers alike, else None.

    Args:
        network: As for `rounded`.
        inputs: (B, C, h, w) float32 natural pictures, B at least 2, as many and as large as are
            optimized at once.
        name: Of whatever decides the speed. For one name and shape it is measured once in a
            process, so that all checkpoints of a run are drawn alike.
        timer: Seconds of a pass forward and back; for tests.
    """
    if inputs.dtype != torch.float32 or not torch.is_grad_enabled():
        return None
    candidate = rounded(network, inputs.device)
    key = (name, inputs.device, tuple(inputs.shape))
    if key not in _measured:
        _measured[key] = _is_better(network, candidate, inputs, timer or seconds_of)
    return candidate if _measured[key] else None


def seconds_of(network: Network, inputs: Tensor) -> float:
    """Returns how long one pass forward and back takes.

    On the CPU these are the processor's seconds of this thread, so that other work on the machine,
    or in the process, counts for little.
    """
    on_cpu = inputs.device.type == "cpu"
    clock = time.thread_time if on_cpu else time.perf_counter
    start = clock()
    output, slope = _passed(network, inputs)
    if not on_cpu:
        float(output.sum() + slope.sum())  # waits until both are there
    return clock() - start


def _is_better(exact: Network, candidate: Network, inputs: Tensor, timer: Timer) -> bool:
    try:
        # The first pass of each is not timed: kernels are chosen in it.
        if not _agree(exact, candidate, inputs):
            return False
        times: list[tuple[float, float]] = []
        while not _are_enough(times):
            times.append((timer(exact, inputs), timer(candidate, inputs)))
    except Exception:  # no such kernels, or whatever the user's code makes of the format
        return False
    return min(own for own, _ in times) >= LEAST_SECONDS and min(_gains(times)) >= LEAST_GAIN


def _gains(times: list[tuple[float, float]]) -> tuple[float, float]:
    """Returns how many times as fast the second is, by the middle of the pairs and by the quickest.

    What slows a machine for a while slows both passes of a pair, but not all pairs; what slows one
    pass alone moves neither the middle of several nor the quickest.
    """
    quickest, other = (max(min(passes), _TINY) for passes in zip(*times, strict=True))
    return statistics.median(own / max(one, _TINY) for own, one in times), quickest / other


def _are_enough(times: list[tuple[float, float]]) -> bool:
    """Tells whether both ways to read what was timed say the same, and clearly."""
    if not _FEWEST_PAIRS <= len(times) < _MOST_PAIRS:
        return len(times) >= _MOST_PAIRS
    gains = _gains(times)
    return min(gains) >= LEAST_GAIN * _CLEARLY or max(gains) <= LEAST_GAIN / _CLEARLY


def _agree(exact: Network, candidate: Network, inputs: Tensor) -> bool:
    """Tells whether two networks tell pictures apart alike, and would change them alike.

    Icons are drawn from what is left of an answer when the layer's mean is taken off, which is
    little where that mean is large; so it is the differences between pictures that must agree.
    """
    (wanted, slope), (output, own) = (_passed(run, inputs) for run in (exact, candidate))
    if output.shape != wanted.shape or not (output.isfinite().all() and own.isfinite().all()):
        return False
    apart = (output - output.mean(0), wanted - wanted.mean(0))
    return _cosine(*apart) >= _LEAST_AGREEMENT and _cosine(own, slope) >= _LEAST_SLOPE_AGREEMENT


def _passed(network: Network, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Returns output and input gradient, along the difference of each output to their mean."""
    inputs = inputs.detach().requires_grad_()
    output = network(inputs)
    along = (output - output.mean(0)).detach()
    (slope,) = torch.autograd.grad(output, inputs, along, materialize_grads=True)
    return output.detach(), slope


def _cosine(first: Tensor, second: Tensor) -> float:
    """Returns the mean cosine of B pairs of tensors."""
    return float(F.cosine_similarity(first.flatten(1), second.flatten(1), dim=1).mean())
