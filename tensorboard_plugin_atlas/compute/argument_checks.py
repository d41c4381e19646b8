# SPDX-License-Identifier: Apache-2.0
"""Checks of the arguments `model` and `config`, which all public functions share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from torch import nn

from tensorboard_plugin_atlas.compute.model.distributed_models import reject_pipeline
from tensorboard_plugin_atlas.compute.model.model_checks import check_model
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError, AtlasError


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


@contextlib.contextmanager
def explain_model_errors(model: nn.Module) -> Iterator[None]:
    """Turns errors of the user's forward pass into errors that name the argument.

    Raises:
        ArgumentError: in place of any exception that is not an AtlasError.
    """
    try:
        yield
    except AtlasError:
        raise
    except Exception as error:
        raise ArgumentError(
            f"model={type(unwrap(model)).__name__} fails on the probe's images "
            f"({type(error).__name__}: {error!s:.200}); pass probe images in the form that the "
            "model takes, or forward=lambda model, images: ... to call it in another way"
        ) from error
