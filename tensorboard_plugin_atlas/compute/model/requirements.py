# SPDX-License-Identifier: Apache-2.0
"""Requirements on a model: not sharded, initialized, made of modules, called with images.

The checks look at modules and parameters only. They do not run the model, so they cannot wait for
another rank, and all ranks get the same result.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.errors import ArgumentError, LayerError

_SHARDING: Final = ("torch.distributed", "fairscale")
"""Packages of the classes below; these are matched by name, since importing them takes a second."""

_SHARDED_MODULES: Final = {
    "FSDPModule": "fully_shard",
    "FullyShardedDataParallel": "FullyShardedDataParallel",
}
_SHARDED_TENSORS: Final = {
    "DTensor": "a parameter is a DTensor, as fully_shard and tensor parallelism make them",
    "ShardedTensor": "a parameter is a ShardedTensor",
    "FlatParameter": "FullyShardedDataParallel",
}
_SHARDED_MARKS: Final = {
    "ds_id": "DeepSpeed ZeRO stage 3",
    "_fsdp_flattened": "FullyShardedDataParallel",
}

_PIPELINES: Final = ("torch.distributed.pipelining", "deepspeed.runtime.pipe")
"""Packages whose models and schedules hold some layers on each rank."""

TORCH_SHARDING: Final = (
    "torch.distributed.fsdp",
    "torch.distributed.tensor",
    "torch.distributed._composable",
)
"""Packages of torch that shard parameters, which its `get_model_state_dict` gathers."""

_TWO_TOWERS: Final = (
    ("vision_model", "get_image_features", "text_model"),
    ("visual", "encode_image", "encode_text"),
)
"""Tower for images, method that calls it, and mark of the tower for texts: transformers, CLIP."""

_UNSHARDED_COPY: Final = (
    "create an AtlasWriter with the sharded model on all ranks, or on all ranks call "
    "torch.distributed.checkpoint.state_dict.get_model_state_dict(model, "
    "options=StateDictOptions(full_state_dict=True)), load the result into a copy of the model "
    "that is not sharded, and pass that copy"
)
_UNSHARDED_COPY_ZERO: Final = (
    "on all ranks enter deepspeed.zero.GatheredParameters(list(model.parameters())), copy the "
    "parameters and buffers there into a copy of the model that is not sharded, and pass that copy"
)


@dataclass(frozen=True)
class Sharding:
    """What shards the parameters of a model over ranks.

    Attributes:
        reason: The function, class, or tensor type that does it, for messages.
        is_gatherable: Whether `torch.distributed.checkpoint.state_dict` can gather them.
    """

    reason: str
    is_gatherable: bool


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
    for path, tensor in _list_tensors(model):
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
    for path, tensor in _list_tensors(model):
        if nn.parameter.is_lazy(tensor):
            raise ArgumentError(
                f"model={type(model).__name__} is not initialized: {path} has no shape before "
                "the first forward pass; pass one batch through the model first"
            )


def reject_sharded_model(model: nn.Module) -> None:
    """Checks that the model is not sharded over ranks.

    Raises:
        ArgumentError: if it is.
    """
    sharding = find_sharding(model)
    if sharding is not None:
        advice = _UNSHARDED_COPY_ZERO if "ZeRO" in sharding.reason else _UNSHARDED_COPY
        raise ArgumentError(
            f"model={type(model).__name__} is sharded over ranks ({sharding.reason}), so rank 0 "
            f"cannot run it alone; {advice}"
        )


def reject_pipeline(model: object) -> None:
    """Checks that the model is not split into the stages of a pipeline.

    Raises:
        ArgumentError: if it is.
    """
    parts = model.modules() if isinstance(model, nn.Module) else (model,)
    for part in parts:
        if any(base.__module__.startswith(_PIPELINES) for base in type(part).__mro__):
            raise ArgumentError(
                f"model={type(model).__name__} is pipeline parallel ({type(part).__name__}): no "
                "rank holds all layers, so none can run them on the probe. Pass the whole model, "
                "with the parameters of all stages, or a stage's module that takes images"
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


def find_sharding(model: nn.Module) -> Sharding | None:
    """Returns what shards the parameters over ranks, or None."""
    for module in model.modules():
        sharding = find_module_sharding(module)
        if sharding is not None:
            return sharding
    for _, tensor in _list_tensors(model):
        sharding = _find_base(tensor, _SHARDED_TENSORS)
        if sharding is not None:
            return sharding
        for mark, reason in _SHARDED_MARKS.items():
            if hasattr(tensor, mark):
                return Sharding(reason, is_gatherable=mark != "ds_id")
    return None


def find_module_sharding(module: nn.Module) -> Sharding | None:
    """Returns what shards `module` itself, without its submodules, or None."""
    return _find_base(module, _SHARDED_MODULES)


def _find_base(value: object, names: Mapping[str, str]) -> Sharding | None:
    for base in type(value).__mro__:
        if base.__name__ in names and base.__module__.startswith(_SHARDING):
            return Sharding(names[base.__name__], base.__module__.startswith(TORCH_SHARDING))
    return None


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


def _list_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yields each parameter and buffer with its path, such as "weight of head (LazyLinear)"."""
    for path, module in model.named_modules():
        for group in (module._parameters, module._buffers):
            for name, tensor in group.items():
                if tensor is not None:
                    yield f"{name} of {path or 'the model'} ({type(module).__name__})", tensor
