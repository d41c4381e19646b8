# SPDX-License-Identifier: Apache-2.0
"""Folding of batch norms into the convolutions before them, for any control flow.

Hooks record one forward pass. A batch norm is folded if its input is the tensor that a convolution
returned, and both ran once. Nothing is traced, so this also works for networks that cannot be
traced. The output is compared afterwards, and nothing is folded where it differs.
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
    """Folds batch norms in place, if the output does not change.

    Args:
        network: A network in eval mode that nothing else uses; its modules are replaced.
        run: Runs the network on a check batch and returns the output to compare.

    Returns:
        Number of folded batch norms. It is 0, and the network unchanged, where the output would
        change by more than 1e-3 relative or 1e-4 of the largest value.
    """
    with torch.no_grad():
        pairs, reference = _find_pairs(network, run)
        if not pairs:
            return 0
        replaced = _fold(network, pairs)
        try:
            folded = run()
        except RuntimeError:
            folded = None
        tolerance = 1e-4 * float(reference.abs().max())
        if folded is not None and torch.allclose(folded, reference, rtol=1e-3, atol=tolerance):
            return len(pairs)
        for parent, name, module in replaced:
            setattr(parent, name, module)
        return 0


def _find_pairs(network: nn.Module, run: Callable[[], Tensor]) -> tuple[list[Pair], Tensor]:
    """Returns the pairs that one forward pass shows, and its output."""
    # The outputs are kept alive so that no other tensor gets the same id during the pass.
    outputs: dict[int, tuple[nn.Conv2d, Tensor]] = {}
    calls: Counter[nn.Module] = Counter()
    pairs: list[Pair] = []

    def record_convolution(module: nn.Module, _: Any, output: Tensor) -> None:
        calls[module] += 1
        outputs[id(output)] = (module, output)  # type: ignore[assignment]

    def record_norm(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        calls[module] += 1
        found = outputs.get(id(inputs[0])) if inputs else None
        if found is not None:
            pairs.append((found[0], module))  # type: ignore[arg-type]

    with _add_hooks(network, record_convolution, record_norm):
        output = run()
    once = [pair for pair in pairs if calls[pair[0]] == calls[pair[1]] == 1]
    return once, output


@contextmanager
def _add_hooks(network: nn.Module, on_convolution: Any, on_norm: Any) -> Iterator[None]:
    handles = []
    for module in network.modules():
        if _is_plain_convolution(module):
            handles.append(module.register_forward_hook(on_convolution))
        # A subclass may do more than normalize, such as apply a ReLU.
        elif type(module) in (nn.BatchNorm2d, nn.SyncBatchNorm) and module.running_var is not None:
            handles.append(module.register_forward_pre_hook(on_norm))
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
    """Replaces the pairs under all their names; returns (parent, name, module) to undo it."""
    replacements: dict[nn.Module, nn.Module] = {}
    for convolution, norm in pairs:
        replacements[convolution] = fuse_conv_bn_eval(convolution, norm)
        replacements[norm] = nn.Identity()
    replaced = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent._modules.items()
        if child in replacements
    ]
    for parent, name, child in replaced:
        setattr(parent, name, replacements[child])
    return replaced
