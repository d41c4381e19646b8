# SPDX-License-Identifier: Apache-2.0
"""Finds what distributes a model over ranks: sharded parameters, or the stages of a pipeline.

The checks look at modules and parameters only. They do not run the model, so they cannot wait for
another rank, and all ranks get the same result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from torch import Tensor, nn

from tensorboard_plugin_atlas.errors import ArgumentError

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
ZERO_MARK: Final = "ds_id"
"""Attribute of the parameters that DeepSpeed shards (ZeRO stage 3)."""

_SHARDED_MARKS: Final = {
    ZERO_MARK: "DeepSpeed ZeRO stage 3",
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

_UNSHARDED_COPY: Final = (
    "create an AtlasWriter with the sharded model on all ranks, or on all ranks call "
    "torch.distributed.checkpoint.state_dict.get_model_state_dict(model, "
    "options=StateDictOptions(full_state_dict=True)), load the result into a copy of the model "
    "that is not sharded, and pass that copy"
)
_UNSHARDED_COPY_ZERO: Final = (
    "create an AtlasWriter with the sharded model on all ranks, or on all ranks enter "
    "deepspeed.zero.GatheredParameters(list(model.parameters())), copy the parameters and buffers "
    "there into a copy of the model that is not sharded, and pass that copy"
)


@dataclass(frozen=True)
class Sharding:
    """What shards the parameters of a model over ranks.

    Attributes:
        reason: The function, class, or tensor type that does it, for messages.
        is_gatherable: Whether `torch.distributed.checkpoint.state_dict` or DeepSpeed can gather
            them.
    """

    reason: str
    is_gatherable: bool


def find_sharding(model: nn.Module) -> Sharding | None:
    """Returns what shards the parameters over ranks, or None."""
    for module in model.modules():
        sharding = find_module_sharding(module)
        if sharding is not None:
            return sharding
    for _, tensor in list_tensors(model):
        sharding = _find_base(tensor, _SHARDED_TENSORS)
        if sharding is not None:
            return sharding
        for mark, reason in _SHARDED_MARKS.items():
            if hasattr(tensor, mark):
                return Sharding(reason, is_gatherable=True)
    return None


def find_module_sharding(module: nn.Module) -> Sharding | None:
    """Returns what shards `module` itself, without its submodules, or None."""
    return _find_base(module, _SHARDED_MODULES)


def _find_base(value: object, names: Mapping[str, str]) -> Sharding | None:
    for base in type(value).__mro__:
        if base.__name__ in names and base.__module__.startswith(_SHARDING):
            return Sharding(names[base.__name__], base.__module__.startswith(TORCH_SHARDING))
    return None


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


def list_tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yields each parameter and buffer with its path, such as "weight of head (LazyLinear)"."""
    for path, module in model.named_modules():
        for group in (module._parameters, module._buffers):
            for name, tensor in group.items():
                if tensor is not None:
                    yield f"{name} of {path or 'the model'} ({type(module).__name__})", tensor
