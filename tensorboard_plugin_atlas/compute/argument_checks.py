# SPDX-License-Identifier: Apache-2.0
"""Checks of the arguments `model` and `config`, which all public functions share."""

from __future__ import annotations

from torch import nn

from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.compute.model.requirements import check_model, reject_pipeline
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError


def check_model_and_config(model: object, config: object) -> AtlasConfig:
    """Returns the config, `AtlasConfig()` for None.

    Raises:
        ArgumentError: if `model` is not a module or cannot be used (see `check_model`), or `config`
            is not an AtlasConfig.
    """
    check_model(unwrap(check_module(model)))
    return check_config(config)


def check_module(model: object) -> nn.Module:
    """Returns the model.

    Raises:
        ArgumentError: if it is not a module, or is split into the stages of a pipeline.
    """
    reject_pipeline(model)
    if not isinstance(model, nn.Module):
        raise ArgumentError(f"model={model!r:.80}: pass a torch.nn.Module{_get_hint(model)}")
    return model


def check_config(config: object) -> AtlasConfig:
    """Returns the config, `AtlasConfig()` for None.

    Raises:
        ArgumentError: if it is not an AtlasConfig.
    """
    if config is None:
        return AtlasConfig()
    if not isinstance(config, AtlasConfig):
        raise ArgumentError(
            f"config={config!r:.80}: pass an AtlasConfig, such as AtlasConfig(samples=500)"
        )
    return config


def _get_hint(model: object) -> str:
    """Returns the end of the error message for an exported program."""
    is_exported = type(model).__name__ == "ExportedProgram"
    return ", the one that was exported (torch.export)" if is_exported else ""
