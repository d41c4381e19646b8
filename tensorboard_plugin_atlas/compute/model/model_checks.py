# SPDX-License-Identifier: Apache-2.0
"""Checks of a model: not distributed, initialized, made of modules, called with images."""

from __future__ import annotations

import inspect
from typing import Final

import torch
from torch import nn

from tensorboard_plugin_atlas.compute.model.distributed_models import (
    list_tensors,
    reject_sharded_model,
)
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError

_TWO_TOWERS: Final = (
    ("vision_model", "get_image_features", "text_model"),
    ("visual", "encode_image", "encode_text"),
)
"""Tower for images, method that calls it, and mark of the tower for texts: transformers, CLIP."""


def check_model(model: nn.Module) -> None:
    """Checks that one process can run the model, and that it has layers.

    Args:
        model: The model, without wrappers.

    Raises:
        ArgumentError: if the model is sharded over ranks, not initialized, on the meta device, or a
            program without modules; the message says what to pass instead.
    """
    check_runnable(model)
    reason = _describe_program(model)
    if reason is not None:
        raise ArgumentError(
            f"model={type(model).__name__} is {reason}, which has no layers to observe; pass the "
            "nn.Module that it was made from"
        )
    for path, tensor in list_tensors(model):
        if tensor.is_meta:
            raise ArgumentError(
                f"model={type(model).__name__} is on the meta device: {path} has no values; "
                "pass the model after model.to_empty(device=...) and load_state_dict(...)"
            )


def check_runnable(model: nn.Module) -> None:
    """Checks that a forward pass waits for no other rank and does not change the parameters.

    Modules on the meta device are allowed here, since the forward pass may not need them.

    Raises:
        ArgumentError: if the model is sharded over ranks or not initialized.
    """
    reject_sharded_model(model)
    for path, tensor in list_tensors(model):
        if nn.parameter.is_lazy(tensor):
            raise ArgumentError(
                f"model={type(model).__name__} is not initialized: {path} has no shape before "
                "the first forward pass; pass one batch through the model first"
            )


def check_layer(name: str, module: nn.Module) -> None:
    """Checks that hooks of a layer are called.

    Raises:
        LayerError: if it is part of a TorchScript module.
    """
    if is_scripted(module):
        raise LayerError(
            f"layer {name!r} is part of a TorchScript module ({type(module).__name__}), which "
            "calls no hooks; pick a layer outside, or pass the nn.Module that it was made from"
        )


def is_scripted(module: nn.Module) -> bool:
    """Returns whether TorchScript runs a module; it calls no hooks."""
    return isinstance(module, torch.jit.ScriptModule)


def check_inputs(model: nn.Module) -> None:
    """Checks that the forward pass takes only images; called after it raised.

    A hook may add missing inputs, so a model that runs is not checked.

    Raises:
        ArgumentError: if the forward pass needs more inputs, or takes none.
    """
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):  # the forward pass is not written in Python
        return
    try:
        signature.bind(None)
    except TypeError:
        raise ArgumentError(
            f"model={type(model).__name__} takes forward{signature}, but is called with one batch "
            "of images; pass forward=lambda model, images: ... that adds the other inputs, or a "
            "module that takes (B, C, H, W)"
        ) from None


def reject_two_towers(model: nn.Module, error: Exception) -> None:
    """Explains why a model of images and texts does not run; called after it raised `error`.

    Raises:
        ArgumentError: if the model has a tower for images and one for texts, as CLIP has.
    """
    for tower, method, text in _TWO_TOWERS:
        if all(hasattr(model, name) for name in (tower, method, text)):
            raise ArgumentError(
                f"model={type(model).__name__} has a tower for images and one for texts, and does "
                f"not run on images alone; pass model.{tower}, or forward=lambda model, images: "
                f"model.{method}(images) for the embedding that text prototypes belong to"
            ) from error


def reject_channels(model: nn.Module, channels: int, error: Exception) -> None:
    """Explains a wrong number of channels; called after the model raised `error`.

    Raises:
        ArgumentError: if the first convolution takes another number of channels.
    """
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    first = next((part for part in model.modules() if isinstance(part, kinds)), None)
    if first is not None and first.in_channels != channels:
        raise ArgumentError(
            f"probe: images have {channels} channels, the model's first convolution takes "
            f"{first.in_channels}; pass images with {first.in_channels} channels"
        ) from error


def _describe_program(model: nn.Module) -> str | None:
    """Returns what kind of program the model is, or None where it is made of modules."""
    if is_scripted(model):
        return "a TorchScript module (torch.jit)"
    if isinstance(model, torch.fx.GraphModule):
        # An exported program keeps the module tree, but calls no module with parameters.
        calls = [node.target for node in model.graph.nodes if node.op == "call_module"]
        called = map(model.get_submodule, map(str, calls))
        if not any(_has_parameters(module) for module in called) and _has_parameters(model):
            return "a graph of operations that calls no layers (torch.export, torch.fx)"
    return None


def _has_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None
