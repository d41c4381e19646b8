# SPDX-License-Identifier: Apache-2.0
"""The tensors in the output of a model: in tuples, mappings and attributes, or by `output`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from torch import Tensor

from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error

ReadOutput: TypeAlias = Callable[[Any], Any]
"""Takes the output of a model for N images; returns (N, K) logits or an (N, D) embedding."""

_MAX_DEPTH: Final = 4


def get_entry(output: Any, name: str) -> Any:
    """Returns an entry of a mapping or an attribute by name, or None."""
    return output.get(name) if isinstance(output, Mapping) else getattr(output, name, None)


def find_tensors(
    output: Any, path: str = "", depth: int = _MAX_DEPTH
) -> Iterator[tuple[str, Tensor]]:
    """Yields the tensors in an output in order, with the path to each, such as "[0].maps"."""
    parts: list[tuple[str, Any]] = []
    if isinstance(output, Tensor):
        yield path, output
    elif isinstance(output, Mapping):
        parts = [(f"[{key!r:.40}]", value) for key, value in output.items()]
    elif isinstance(output, (tuple, list)):
        parts = [(f"[{index}]", value) for index, value in enumerate(output)]
    elif dataclasses.is_dataclass(output) or hasattr(output, "__dict__"):
        named = dataclasses.fields(output) if dataclasses.is_dataclass(output) else ()
        names = [one.name for one in named] or list(vars(output))
        parts = [(f".{name}", getattr(output, name, None)) for name in names]
    for suffix, value in parts if depth else ():
        yield from find_tensors(value, path + suffix, depth - 1)


def describe(output: object) -> str:
    """Describes the type and shape of an output, for messages."""
    if isinstance(output, Tensor):
        return f"a tensor of shape {tuple(output.shape)}"
    return f"a {type(output).__name__}"


def call_output(call: ReadOutput, output: Any, wanted: str) -> Any:
    """Returns what the user's `output` returns for the output of a model.

    Args:
        call: The user's function.
        output: The output of the model.
        wanted: What it should return, for messages.

    Raises:
        ArgumentError: if it raises.
    """
    try:
        return call(output)
    except Exception as error:  # the user's function may raise anything
        raise ArgumentError(
            f"output raises for {describe(output)}, which the model returns "
            f"({summarize_error(error)}); pass a function that returns its {wanted}"
        ) from error
