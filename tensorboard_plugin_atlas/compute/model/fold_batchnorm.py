# SPDX-License-Identifier: Apache-2.0
"""Folding batch normalization into the convolution before it, for any control flow.

The pairs are found by watching one forward pass: a normalization is folded when the very tensor it
received is what a convolution returned and both ran once. Nothing is traced, so networks that a
tracer cannot read fold as well; a pair that was misread shows in the comparison that follows, and
then nothing is folded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_eval

Pair = tuple[nn.Conv2d, nn.BatchNorm2d]


def fold_batch_norms(network: nn.Module, run: Callable[[], Tensor]) -> int:
    """Folds what can be folded, in place, and only if the output stays what it was.

    Args:
        network: A network in eval mode that nobody else uses; modules are replaced inside it.
        run: Runs the network on a check batch and returns the output to compare.

    Returns:
        How many normalizations were folded; 0 also where the folded network answered differently
        (more than 1e-3 relative or 1e-4 of the largest value), which is then left as it was.
    """
    with torch.no_grad():
        pairs, reference = _watch(network, run)
        if not pairs:
            return 0
        places = _fold(network, pairs)
        try:
            folded = run()
        except RuntimeError:
            folded = None
        tolerance = 1e-4 * float(reference.abs().max())
        if folded is not None and torch.allclose(folded, reference, rtol=1e-3, atol=tolerance):
            return len(pairs)
        for parent, name, module in places:
            setattr(parent, name, module)
        return 0


def _watch(network: nn.Module, run: Callable[[], Tensor]) -> tuple[list[Pair], Tensor]:
    """Returns the pairs seen in one pass, and its output."""
    # The outputs are kept so that no identity is given to a second tensor during the pass.
    outputs: dict[int, tuple[nn.Conv2d, Tensor]] = {}
    calls: Counter[nn.Module] = Counter()
    pairs: list[Pair] = []

    def convolved(module: nn.Module, _: Any, output: Tensor) -> None:
        calls[module] += 1
        outputs[id(output)] = (module, output)  # type: ignore[assignment]

    def normalized(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        calls[module] += 1
        found = outputs.get(id(inputs[0])) if inputs else None
        if found is not None:
            pairs.append((found[0], module))  # type: ignore[arg-type]

    with _hooked(network, convolved, normalized):
        output = run()
    once = [pair for pair in pairs if calls[pair[0]] == calls[pair[1]] == 1]
    return once, output


@contextmanager
def _hooked(network: nn.Module, convolved: Any, normalized: Any) -> Iterator[None]:
    handles = []
    for module in network.modules():
        if _is_plain_convolution(module):
            handles.append(module.register_forward_hook(convolved))
        # A subclass may do more than normalize (an activation, for instance).
        elif type(module) in (nn.BatchNorm2d, nn.SyncBatchNorm) and module.running_var is not None:
            handles.append(module.register_forward_pre_hook(normalized))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _is_plain_convolution(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and not parametrize.is_parametrized(module)
        and not module._forward_pre_hooks  # weight and spectral norm recompute the weight there
    )


def _fold(network: nn.Module, pairs: list[Pair]) -> list[tuple[nn.Module, str, nn.Module]]:
    """Replaces the pairs under every name they have; returns (parent, name, module) to undo it."""
    replacements: dict[nn.Module, nn.Module] = {}
    for convolution, norm in pairs:
        replacements[convolution] = fuse_conv_bn_eval(convolution, norm)
        replacements[norm] = nn.Identity()
    places = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent._modules.items()
        if child in replacements
    ]
    for parent, name, child in places:
        setattr(parent, name, replacements[child])
    return places
