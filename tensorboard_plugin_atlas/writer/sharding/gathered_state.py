# SPDX-License-Identifier: Apache-2.0
"""Gathers the parameters and buffers of a sharded model on rank 0."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import Tensor, distributed, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.distributed.tensor import DTensor

from tensorboard_plugin_atlas.compute.model.preserve_state import get_device
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.writer.sharding.zero_parameters import (
    gather_zero_state,
    has_zero_parameters,
)

_FSDP_NAME: Final = "_fsdp_wrapped_module"
_WRAPPER_NAMES: Final = frozenset({_FSDP_NAME, "_checkpoint_wrapped_module", "_orig_mod"})
"""Attributes that wrappers insert into names, and `get_model_state_dict` removes."""


def gather_state(model: nn.Module) -> dict[str, Tensor]:
    """Gathers the state of a sharded model; a collective that all ranks call.

    Args:
        model: The sharded model, without wrappers around it; it does not change.

    Returns:
        On rank 0, whole parameters and buffers by name on the CPU, which share no memory with the
        model: at most one copy of it. Empty on other ranks.
    """
    if has_zero_parameters(model):
        return gather_zero_state(model)
    options = StateDictOptions(full_state_dict=True, cpu_offload=_can_offload(model))
    with warnings.catch_warnings(), torch.no_grad():
        # torch warns about its own older functions, which it calls here.
        warnings.simplefilter("ignore")
        state: dict[str, Any] = get_model_state_dict(model, options=options)
        for name, buffer in _list_other_buffers(model):
            state[name] = buffer.full_tensor() if isinstance(buffer, DTensor) else buffer
    if distributed.get_rank() != 0:
        return {}
    used = {_get_address(tensor) for tensor in _list_local_tensors(model)}
    return {
        name: _make_own_copy(value.detach(), used)
        for name, value in state.items()
        if isinstance(value, Tensor)
    }


def clean_name(name: str) -> str:
    """Returns the name of a parameter or module without empty parts and attributes of wrappers."""
    return ".".join(part for part in name.split(".") if part and part not in _WRAPPER_NAMES)


def check_wrapper(model: nn.Module) -> None:
    """Checks that a model is not inside of the wrapper that shards it.

    Raises:
        ArgumentError: if it is.
    """
    for name, parameter in model.named_parameters():
        if hasattr(parameter, "_fsdp_flattened") and _FSDP_NAME not in name.split("."):
            raise ArgumentError(
                f"model={type(model).__name__} is inside of a FullyShardedDataParallel, which "
                f"holds its parameter {name!r}; pass that wrapper. With Lightning Fabric, it is "
                "the attribute _forward_module of the model"
            )


def compute_fingerprint(model: nn.Module) -> str:
    """Returns a digest of the names of all parameters, which must be the same on all ranks."""
    names = sorted(clean_name(name) for name, _ in model.named_parameters())
    return hashlib.blake2b("\n".join(names).encode(), digest_size=16).hexdigest()


def _can_offload(model: nn.Module) -> bool:
    """Returns whether torch can move the gathered parameters to the CPU, on rank 0 only.

    With FullyShardedDataParallel on the CPU, torch 2.13 frees the parameters before it reads them.
    """
    wraps = any(isinstance(module, FullyShardedDataParallel) for module in model.modules())
    return not wraps or get_device(model).type != "cpu"


def _list_other_buffers(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yields the buffers that are not part of the state dict, by name."""
    for path, module in model.named_modules():
        for name in sorted(module._non_persistent_buffers_set):
            buffer = module._buffers.get(name)
            if buffer is not None:
                yield clean_name(f"{path}.{name}"), buffer


def _list_local_tensors(model: nn.Module) -> Iterator[Tensor]:
    for tensor in (*model.parameters(), *model.buffers()):
        yield tensor.to_local() if isinstance(tensor, DTensor) else tensor


def _get_address(tensor: Tensor) -> int:
    return 0 if tensor.is_meta else tensor.untyped_storage().data_ptr()


def _make_own_copy(value: Tensor, used: set[int]) -> Tensor:
    """Returns a tensor on the CPU; a copy if the model has it, too, as with a single rank."""
    value = value.cpu()
    return value.clone() if _get_address(value) in used else value
