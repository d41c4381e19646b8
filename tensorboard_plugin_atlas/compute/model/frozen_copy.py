# SPDX-License-Identifier: Apache-2.0
"""A copy of a user's model to ask again and again: frozen, in eval mode, and quicker to run.

Icons and patch tests put thousands of pictures through one network. Folding its batch norms made
that 1.4 times faster in featvis measurements, channels-last convolutions a little more.
"""

from __future__ import annotations

import contextlib
import copy
from collections import OrderedDict
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.fold_batchnorm import fold_batch_norms
from tensorboard_plugin_atlas.compute.model.layers import resolve_layer
from tensorboard_plugin_atlas.compute.model.logits import get_logits
from tensorboard_plugin_atlas.compute.model.outputs import find_first_tensor, forward
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    add_forward_hooks,
    as_input,
    preserve_model_state,
)

_CHECKED_ON = 8

_HOOK_TABLES = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


def make_frozen_copy(model: nn.Module, *, single: bool) -> nn.Module:
    """Returns a frozen copy in eval mode, without the user's hooks.

    Args:
        model: The user's model, without wrappers.
        single: Whether the copy is float32, whatever the model is.

    Raises:
        Exception: whatever copying raises, for it runs code of the user's classes.
    """
    memo: dict[int, object] = {}
    for module in model.modules():
        for name in _HOOK_TABLES:
            hooks = getattr(module, name, None)
            if hooks:
                # Hooks of torch's own weight norm, spectral norm and pruning are part of the model.
                kept = ((k, h) for k, h in hooks.items() if _is_structural(h))
                memo[id(hooks)] = OrderedDict((k, copy.deepcopy(h, memo)) for k, h in kept)
    network = copy.deepcopy(model, memo).eval().requires_grad_(requires_grad=False)
    if single:
        network = network.float()
    for module in network.modules():
        # An in-place activation overwrites what the backward pass of the layer before it may need.
        if getattr(module, "inplace", False) is True:
            module.inplace = False  # type: ignore[assignment]
    return network


def optimize_weights(network: nn.Module, run: Callable[[], Tensor]) -> int:
    """Folds batch norms and lays convolutions out channels-last, in place.

    Args:
        network: A frozen copy.
        run: Runs it on a check batch and returns the output that folding must not change.

    Returns:
        How many normalizations were folded.
    """
    folded = fold_batch_norms(network, run)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            weight = module.weight.data.contiguous(memory_format=torch.channels_last)
            module.weight.data = weight
    return folded


@contextlib.contextmanager
def optimize_for_inference(
    model: nn.Module, images: Tensor, layer: str | None = None
) -> Iterator[nn.Module]:
    """Yields a model to be asked about many images, and leaves `model` as it was.

    That is a quickened copy where one can be made that answers as `model` does, else `model`
    itself inside `preserve_model_state`.

    Args:
        model: The user's model, on any device, wrapped or not.
        images: (I, C, H, W) as the model takes them; the copy is held against it on the first few.
        layer: Name of a submodule that must answer as before, too; folding may move the end of one.
    """
    with preserve_model_state(model) as inner:
        quick = _quick_copy(inner, images[:_CHECKED_ON], layer)
        if quick is None:
            yield inner
            return
        with preserve_model_state(quick):
            yield quick


def _quick_copy(model: nn.Module, check: Tensor, layer: str | None) -> nn.Module | None:
    """Returns a copy that gives the same answers, or None."""
    try:
        network = make_frozen_copy(model, single=False)
        with torch.no_grad():
            wanted = _answers(model, check, layer)
            optimize_weights(network, lambda: _answers(network, check, None)[0])
            found = _answers(network, check, layer)
    except Exception:  # the user's code; asked itself, the model may say why
        return None
    return network if all(map(is_close, found, wanted)) else None


def _answers(model: nn.Module, images: Tensor, layer: str | None) -> list[Tensor]:
    """Returns the logits, and what the layer gave the last time it ran."""
    outputs: dict[str, Tensor] = {}

    def keep(name: str, output: object) -> None:
        tensor = find_first_tensor(output)
        if tensor is not None:
            outputs[name] = tensor.clone()  # an activation in place may come behind

    heard = {} if layer is None else {layer: resolve_layer(model, layer)}
    with add_forward_hooks(heard, keep):
        logits = get_logits(forward(model, as_input(images, model)), len(images))
    if logits is None or len(outputs) < len(heard):
        raise TypeError("the model gives no logits, or the layer no tensor")
    return [logits.float(), *(output.float() for output in outputs.values())]


def is_close(found: Tensor, wanted: Tensor) -> bool:
    """Tells whether two answers differ by rounding alone: 1e-3, or 1e-4 of the largest value."""
    tolerance = 1e-4 * float(wanted.abs().nan_to_num().max())
    return torch.allclose(found, wanted, rtol=1e-3, atol=tolerance, equal_nan=True)


def _is_structural(hook: object) -> bool:
    return any(base.__module__.startswith("torch.nn.utils") for base in type(hook).__mro__)
