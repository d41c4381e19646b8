# SPDX-License-Identifier: Apache-2.0
"""The options `--forward` and `--output`: how the model of a command is called and read."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from typing import Any

from tensorboard_plugin_atlas.commands.cost_estimate import import_callable
from tensorboard_plugin_atlas.compute.model.logits import LogitsChoice
from tensorboard_plugin_atlas.compute.model.model_interface import ModelInterface, use_interface

_ADVICE = "pass module:function, such as my_code:{}"


@contextlib.contextmanager
def use_model_functions(arguments: argparse.Namespace) -> Iterator[None]:
    """Sets how models are called and read inside the block.

    Args:
        arguments: Parsed options of `add_model`.

    Raises:
        ArgumentError: if a function does not exist.
    """
    forward, output = (import_model_function(arguments, name) for name in ("forward", "output"))
    with use_interface(ModelInterface(LogitsChoice(output), forward)):
        yield


def import_model_function(arguments: argparse.Namespace, name: str) -> Any:
    """Returns the function that `--forward` or `--output` names; None without the option.

    Raises:
        ArgumentError: if it does not exist.
    """
    path = getattr(arguments, name)
    return None if path is None else import_callable(path, f"--{name}", _ADVICE.format(name))
