# SPDX-License-Identifier: Apache-2.0
"""Models whose parameters DeepSpeed shards over ranks (ZeRO stage 3)."""

from __future__ import annotations

import importlib
from typing import Any, Final

import torch
from torch import Tensor, distributed, nn

from tensorboard_plugin_atlas.compute.model.distributed_models import ZERO_MARK
from tensorboard_plugin_atlas.compute.model.engine_hooks import without_engine_hooks

_TABLE: Final = "ZeROOrderedDict"
"""Class of DeepSpeed that replaces the dictionary of the parameters of a module."""

_PREFIX: Final = "ds_"
_ADDED: Final = frozenset(
    {
        "_external_params",
        "_original_parameters",
        "all_parameters",
        "applied_pre_backward_ref_cnt",
        "post_bwd_fn",
        "pre_bwd_fn",
    }
)
"""Attributes that DeepSpeed adds to modules, beside those that start with `ds_`."""


def has_zero_parameters(model: nn.Module) -> bool:
    """Returns whether DeepSpeed shards parameters of the model."""
    return any(hasattr(parameter, ZERO_MARK) for parameter in model.parameters())


def gather_zero_state(model: nn.Module) -> dict[str, Tensor]:
    """Gathers the state of a model; a collective that all ranks call.

    The parameters of one module after the other are gathered on all ranks, and copied on rank 0.

    Args:
        model: The sharded model, without wrappers around it; it does not change.

    Returns:
        On rank 0, copies of whole parameters and buffers by name on the CPU. Empty on other ranks.
    """
    gathered = importlib.import_module("deepspeed").zero.GatheredParameters
    is_leader = distributed.get_rank() == 0
    copies: dict[int, Tensor] = {}
    with torch.no_grad():
        for module in model.modules():
            own = list(module.parameters(recurse=False))
            with gathered(own):
                if is_leader:
                    copies.update((id(parameter), _copy(parameter)) for parameter in own)
    if not is_leader:
        return {}
    names = model.named_parameters(remove_duplicate=False)
    buffers = model.named_buffers(remove_duplicate=False)
    state = {name: copies[id(parameter)] for name, parameter in names}
    return state | {name: _copy(buffer) for name, buffer in buffers}


def without_zero(module: nn.Module) -> dict[str, Any] | None:
    """Returns the attributes of a module as they were before it was sharded.

    Returns:
        A new dictionary, or None if DeepSpeed has not prepared the module.
    """
    attributes = vars(module)
    if type(attributes["_parameters"]).__name__ != _TABLE:
        return None
    kept = {
        name: value
        for name, value in (without_engine_hooks(attributes) or attributes).items()
        if name not in _ADDED and not name.startswith(_PREFIX)
    }
    return {**kept, "_parameters": dict(attributes["_parameters"].items())}


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True)
